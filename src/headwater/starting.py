"""What a run begins from: a pre-trained folder with a head put on, or random weights."""

import difflib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from headwater.checkpoints.folder import load_model
from headwater.checkpoints.hub import resolve
from headwater.data.task import Task
from headwater.errors import UserError
from headwater.files import read_json
from headwater.models.bert_config import BertConfig
from headwater.models.build import Model, build_model, preset
from headwater.models.t5_config import T5Config
from headwater.nn.feedforward import ACTIVATIONS
from headwater.recipe import NetworkConfig, Recipe
from headwater.text.vocabulary import Vocabulary, load_vocabulary
from headwater.training.config import Family


@dataclass(frozen=True, slots=True)
class Start:
    """A model with its vocabulary and sizes; `new_parameters` were drawn at random."""

    model: Model
    vocabulary: Vocabulary
    config: BertConfig | T5Config
    new_parameters: tuple[str, ...]

    @property
    def family(self) -> Family:
        """The family whose training defaults and features it takes."""
        return "t5" if isinstance(self.config, T5Config) else "bert"

    @property
    def pad_id(self) -> int:
        """What rows are filled up with; masked wherever it matters."""
        return self.vocabulary.pad_id or 0


def family_of(recipe: Recipe) -> Family:
    """Tell the family from the preset's name or the model's config.json, without torch's weights.

    Raises:
        UserError: there is no such preset or model.
    """
    if recipe.network is not None:
        return "t5" if isinstance(preset(recipe.network.preset), T5Config) else "bert"
    assert recipe.model is not None
    content = read_json(resolve(recipe.model) / "config.json")
    return "t5" if isinstance(content, dict) and content.get("model_type") == "t5" else "bert"


def start(recipe: Recipe, task: Task[Any]) -> Start:
    """Load or build what the recipe begins from, with the head that the task asks for.

    Raises:
        UserError: the model cannot be found or is broken, or does not fit its vocabulary or task.
    """
    head = None if family_of(recipe) == "t5" else task.kind  # T5 writes: it takes no head
    if recipe.network is not None:
        begun = _from_random(recipe.network, head)
    else:
        assert recipe.model is not None
        folder = resolve(recipe.model)
        loaded = load_model(folder, head)
        begun = Start(loaded.model, load_vocabulary(folder), loaded.config, loaded.new_parameters)
    if begun.vocabulary.size > begun.config.vocab_size:
        raise UserError(
            f"the vocabulary has {begun.vocabulary.size} pieces, the model only "
            f"{begun.config.vocab_size}"
        )
    return begun


def _from_random(network: NetworkConfig, head: str | None) -> Start:
    vocabulary = load_vocabulary(Path(network.vocabulary).expanduser())
    config = preset(network.preset)
    known = {field.name: getattr(config, field.name) for field in fields(config)}
    for name, value in network.sizes.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UserError(f"network.sizes: {network.preset} has no size {name!r}{hint}")
        _check_size(name, value, known[name])
    pad, eos = vocabulary.pad_id, vocabulary.eos_id
    marks = {"pad_token_id": pad, "eos_token_id": eos, "decoder_start_token_id": pad}
    own = {name: id for name, id in marks.items() if name in known and id is not None}
    sizes: dict[str, Any] = {"vocab_size": vocabulary.size} | own | network.sizes
    config = replace(config, **sizes)
    return Start(build_model(config, head), vocabulary, config, ())


def _check_size(name: str, value: Any, example: Any) -> None:
    """Refuse a value that no network can be built with; `example` is the preset's."""
    where = f"network.sizes.{name} = {value!r}"
    if type(value) is not type(example) and not (type(value) is int and type(example) is float):
        raise UserError(f"{where}: expected one like {example!r}")
    least = 0 if name.endswith("_id") or type(example) is float else 1
    if isinstance(value, int | float) and not isinstance(value, bool) and not value >= least:
        raise UserError(f"{where}: a number from {least} on was expected")
    if isinstance(value, str) and value.removeprefix("gated-") not in ACTIVATIONS:
        raise UserError(f"{where}: there are {', '.join(ACTIVATIONS)}")


def fit_windows(recipe: Recipe, config: BertConfig | T5Config) -> Recipe:
    """Shorten windows that nobody asked for to what an encoder can read.

    Raises:
        UserError: the recipe asks for windows that are too long.
    """
    if not isinstance(config, BertConfig) or recipe.spans.max_length <= config.longest:
        return recipe
    if "max_length" in recipe.spans.model_fields_set:
        raise UserError(
            f"spans.max_length = {recipe.spans.max_length}: this model reads {config.longest} "
            "pieces at most"
        )
    return recipe.model_copy(update={"spans": recipe.spans.fitting(config.longest)})
