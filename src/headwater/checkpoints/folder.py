"""Models to folders and back: safetensors and JSON that the published code opens too.

`save_model` writes any model, whole or only what was trained; `parts.py` lists the files.
`load_model` reads a whole model, with the requested head. `adapted.open_model` reads
whatever a folder holds.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headwater.checkpoints.description import PROBLEMS, Description, describe
from headwater.checkpoints.generation import GENERATION, generation_content
from headwater.checkpoints.parts import EXTRA, Adaptation, refuse_adapted, write_parts
from headwater.checkpoints.peft import adapter_config, trained_tensors
from headwater.checkpoints.peft_folder import PeftFolder
from headwater.checkpoints.state_dict import Match, pack, published, second_names, tied_as_found
from headwater.checkpoints.vocabularies import own_vocabulary, vocabulary_of
from headwater.checkpoints.weights import check_others, read_weights
from headwater.errors import UserError, listed, with_article
from headwater.files import read_json
from headwater.models.body import WordBody
from headwater.models.build import Model, empty_model, empty_multi_task
from headwater.models.config import (
    CHOOSING,
    HeadName,
    ModelConfig,
    TaskHead,
    check_head,
    label_names,
    unnamed,
    with_labels,
)
from headwater.models.families import family_of, keys_of, sizes_of
from headwater.models.feature_model import FeatureModel
from headwater.models.heads import ModelWithHead
from headwater.models.memory import check_room
from headwater.models.multi_task import MultiTask
from headwater.nn.characters import END_TEXT, character_ids
from headwater.text.vocabulary import Vocabulary

if TYPE_CHECKING:  # of folders that give vectors alone
    from headwater.models.embedding import EmbeddingHead

logger = logging.getLogger(__name__)

_GIVES: Mapping[HeadName, str] = {
    "sequence": "one label of a text",
    "multi_label": "any number of labels",
}
_BODY, _HEADS = "body.", "heads."  # before the tensors of a model of several tasks


@dataclass(frozen=True, slots=True)
class LoadedCheckpoint:
    """A model and what loading it had to decide.

    Attributes:
        model: in evaluation mode, on the CPU.
        config: its sizes.
        new_parameters: tensors that the folder lacks and that were drawn at random: tell the user.
        ignored: tensors of the folder that this model has no use for.
    """

    model: Model
    config: ModelConfig
    new_parameters: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def save_model(
    folder: Path,
    model: Model,
    *,
    adaptation: Adaptation | None = None,
    vocabulary: Vocabulary | None = None,
    extra: Mapping[str, Any] | None = None,
    generation: Mapping[str, Any] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a folder; it appears whole or not at all.

    Args:
        folder: takes the place of an older folder of that name.
        model: any that `build_model`, `build_multi_task` or a method gives.
        adaptation: how the model was adapted: only what was trained is written, and which body it
            was trained on. None: all of it.
        vocabulary: saved with it; without a body only where it is not the body's.
        extra: JSON that travels with it; `read_extra` gives it back.
        generation: of a model that writes, the options by which it is to.
        dtype: of the tensors' file, for example torch.float16; None: as the parameters are.
    """
    beside = None
    if isinstance(model, ModelWithHead) and model.head_name == "embedding":
        from headwater.checkpoints.sentence_folder import write_head

        head, width = cast("EmbeddingHead", model.head), sizes_of(model.config).hidden_size
        model, beside = model.body, partial(write_head, head=head, width=width)
    content, segments = describe(model), sizes_of(model.config).segments > 1
    free = {EXTRA: extra, GENERATION: generation_content(model, vocabulary, generation or {})}
    if adaptation is not None:
        small = model.small() if isinstance(model, FeatureModel) else trained_tensors(model)
        peft, own = adapter_config(model, adaptation), own_vocabulary(vocabulary, adaptation)
        tensors = _cast(small, dtype)
        write_parts(folder, content, tensors, own, free, adaptation, peft, segments=segments)
        return
    tensors = _cast(_tensors(model), dtype)
    content["dtype"] = str(next(iter(tensors.values())).dtype).removeprefix("torch.")
    write_parts(folder, content, tensors, vocabulary, free, segments=segments, beside=beside)


def _cast(tensors: Mapping[str, Tensor], dtype: torch.dtype | None) -> dict[str, Tensor]:
    return {name: each if dtype is None else each.to(dtype) for name, each in tensors.items()}


def _tensors(model: Model) -> dict[str, Tensor]:
    """Return all tensors by their names in the file."""
    keys = keys_of(model.config)
    if isinstance(model, MultiTask):
        state = model.body.state_dict()
        body = {f"{_BODY}{keys.name_in_file(name, None)}": each for name, each in state.items()}
        return body | {f"{_HEADS}{name}": each for name, each in model.heads.state_dict().items()}
    state, head = model.state_dict(), model.head_name
    state = {name: each for name, each in state.items() if not name.startswith(keys.unsaved)}
    named = pack({keys.name_in_file(name, head): each for name, each in state.items()}, keys)
    if keys.output is not None and keys.output[0] in named:  # untied: both names are asked for
        pairs = ((other, named.get(name)) for other, name in keys.renamed.items())
        named |= {other: each.clone() for other, each in pairs if each is not None}
    if keys.shared is not None and keys.shared[0] not in named:
        named[keys.shared[0]] = named[keys.shared[1]].clone()
    return named | second_names(named, keys)


def load_model(
    folder: Path,
    head: str | None = None,
    *,
    labels: Sequence[str] | None = None,
    dtype: torch.dtype = torch.float32,
) -> LoadedCheckpoint:
    """Read a whole model that this library or `transformers` wrote.

    What is wrong with the folder is a UserError that names the file and the tensors.

    Args:
        folder: holds config.json and safetensors.
        head: the head to put on the body; None: the one that config.json names. One that the
            folder does not hold is drawn at random.
        labels: the classes of a "sequence" or "token" head; None or empty: as in config.json. A
            head of other classes than these is not used, and one is drawn at random; to one whose
            classes have no names they are given.
        dtype: of the parameters; half-precision files are widened.
    """
    refuse_adapted(folder)
    if head == "embedding":
        return _giving_vectors(folder, dtype)
    described = Description.read(folder)
    peft = PeftFolder.find(folder)
    stored = read_weights(folder) if peft is None else peft.tensors(described.keys)
    if described.tasks is not None and head is None:
        model = _several_tasks(folder, described, described.tasks, stored).to(dtype).eval()
        check_others(folder)
        return LoadedCheckpoint(model, described.config)
    saved, chosen = _heads(described, head, labels)
    tensors = stored if described.tasks is None else _under(_BODY, stored)
    tensors = published(tensors, described.keys, folder)
    config = with_labels(tied_as_found(described.config, tensors), labels)
    return _filled(Match(folder, described.keys, chosen, saved), config, tensors, dtype)


def _giving_vectors(folder: Path, dtype: torch.dtype) -> LoadedCheckpoint:
    """Put on the body what `modules.json` says stands on it, or else what a new run begins with."""
    from headwater.checkpoints.sentence_folder import read_head

    body = load_model(folder, dtype=dtype).model.body
    config = body.config
    stored = read_head(folder, sizes_of(config).hidden_size)
    head = stored or family_of(config).build_head(config, "embedding")
    return LoadedCheckpoint(ModelWithHead(body, head.to(dtype)).eval(), config)


def _heads(
    described: Description, requested: str | None, labels: Sequence[str] | None
) -> tuple[HeadName | None, HeadName | None]:
    """Return the head that the folder was saved with, if it can go on, and the one to load."""
    saved, config = described.saved_head(requested), described.config
    chosen = saved if requested is None else check_head(requested)
    if chosen not in described.keys.heads:
        raise UserError(
            f"{described.file}: {with_article(config.model_type)} body takes no {chosen} head"
        )
    own = label_names(config)
    if saved in CHOOSING and labels and own != tuple(labels):
        if not unnamed(own) or len(own) != len(labels):
            saved = None
        elif saved == chosen:
            names = listed(f"{index} = {name}" for index, name in enumerate(labels))
            logger.info(f"{described.file}: its labels have no names and get these: {names}")
    if {saved, chosen} == _GIVES.keys() and saved and chosen:
        raise UserError(
            f"{described.file}: its head gives {_GIVES[saved]} (problem_type {PROBLEMS[saved]}), "
            f"and {_GIVES[chosen]} is asked for; start from a body without a head"
        )
    return saved, chosen


def _filled(
    match: Match, config: ModelConfig, tensors: Mapping[str, Tensor], dtype: torch.dtype
) -> LoadedCheckpoint:
    """Build the model with one head or none, fill it, and check the other files' sha256."""
    with torch.device("meta"):  # nothing is drawn that the folder holds
        model = empty_model(config, match.head)
    if match.head is None:
        for module in match.keys.optional:
            if not any(name.startswith(f"{match.keys.prefix}{module}.") for name in tensors):
                setattr(model, module, None)
    found, ignored = match.sort(tensors)
    new = match.check(model, found)
    _draw(model, new, config)
    values = {name: tensor.to(dtype) for name, tensor in found.items()}
    model.load_state_dict(values, strict=False, assign=True)
    model = model.to(dtype).eval()
    if family_of(config).reads_characters and config.vocab_size:
        know_words(model, vocabulary_of(match.folder))
    check_others(match.folder)
    return LoadedCheckpoint(model, config, new, ignored)


def _draw(model: Model, names: Sequence[str], config: ModelConfig) -> None:
    """Give random weights to the modules of those parameters."""
    state = model.state_dict()
    check_room(sum(state[name].numel() for name in names), f"a new head of {config.model_type}")
    for module in dict.fromkeys(name.rpartition(".")[0] for name in names):
        part = model.get_submodule(module)
        part.to_empty(device="cpu", recurse=False)
        family_of(config).network.initialize(part, config)


def _several_tasks(
    folder: Path,
    described: Description,
    tasks: Mapping[str, TaskHead],
    tensors: Mapping[str, Tensor],
) -> MultiTask:
    """Build the model of several tasks that a folder holds."""
    with torch.device("meta"):
        model = empty_multi_task(described.config, tasks)
    match = Match(folder, described.keys, None, None)
    body, _ = match.sort(published(_under(_BODY, tensors), described.keys, folder))
    match.check(model.body, body)
    heads, expected = _under(_HEADS, tensors), model.heads.state_dict()
    for name in sorted({*heads, *expected}):
        has, wants = (
            tuple(each[name].shape) if name in each else "nothing" for each in (heads, expected)
        )
        if has != wants:
            raise UserError(f"{folder}: {_HEADS}{name} is {has}, config.json asks for {wants}")
    model.body.load_state_dict(body, assign=True)
    model.heads.load_state_dict(heads, assign=True)
    return model


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def load_multi_task(
    folder: Path, tasks: Mapping[str, TaskHead], *, dtype: torch.dtype = torch.float32
) -> LoadedCheckpoint:
    """Read the body of a folder and put a head for each task on it.

    Each is what `load_model` would put on; of a folder of several tasks, those of the same name
    and labels are kept.
    """
    old = Description.read(folder).tasks or {}
    body, heads, new = None, {}, []
    if old:
        whole = load_model(folder, dtype=dtype).model
        assert isinstance(whole, MultiTask)
        body = whole.body
        heads = {name: whole.for_task(name).head for name in tasks if old.get(name) == tasks[name]}
    for name, task in tasks.items():
        if name in heads:
            continue
        one = load_model(folder, task.head, labels=task.labels, dtype=dtype)
        assert isinstance(one.model, ModelWithHead)
        body, heads[name] = body or one.model.body, one.model.head
        new += [each.replace("head.", f"heads.{name}.", 1) for each in one.new_parameters]
    if body is None:
        raise UserError("a multi-task model has one task at least")
    labels = {name: task.labels for name, task in tasks.items()}
    model = MultiTask(body, {name: heads[name] for name in tasks}, labels).eval()
    return LoadedCheckpoint(model, body.config, tuple(new))


def read_extra(folder: Path) -> dict[str, Any]:
    """Return the `extra` that was saved with a model; empty when there is none."""
    file = folder / EXTRA
    if not file.exists():
        return {}
    content = read_json(file)
    if not isinstance(content, dict):
        raise UserError(f"{file}: a JSON object was expected")
    return content


def know_words(model: Model, vocabulary: Vocabulary) -> None:
    """Tell an ELMo how the words of a vocabulary are spelled; leave any other model as it is."""
    if family_of(model.config).reads_characters and isinstance(model, WordBody):
        model.know_words(torch.from_numpy(spell(vocabulary, range(vocabulary.size))))


def spell(vocabulary: Vocabulary, ids: Iterable[int]) -> NDArray[np.int16]:
    """Return the character ids `[words, characters]` by which an ELMo reads words of a vocabulary.

    The token that ends a document is spelled as the published end of a text.
    """
    eos_id = vocabulary.eos_id
    return character_ids([END_TEXT if id == eos_id else vocabulary.token(id) for id in ids])
