"""A model on disk: a folder of safetensors + JSON that the published code opens too.

config.json          sizes, architecture, labels
model.safetensors    tensors under the published names
manifest.json        sha256 of the weights, config.json and the vocabulary
vocabulary files     as `Vocabulary.save` writes them
headwater.json       what else must travel with the model, for example a threshold
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from headwater import files
from headwater.checkpoints.adapter_config import refuse_adapted
from headwater.checkpoints.configs import family_name, read_config, write_config
from headwater.checkpoints.elmo import know_words
from headwater.checkpoints.huggingface import FAMILIES, Family, their_name
from headwater.checkpoints.manifest import check_others
from headwater.checkpoints.multi_task import (
    body_of,
    load_tasks,
    read_tasks,
    tensors_of,
    write_tasks,
)
from headwater.checkpoints.state_dict import Match, published, tied_as_found
from headwater.checkpoints.tensor_layout import pack
from headwater.checkpoints.weights import read_weights
from headwater.checkpoints.writing import EXTRA, Saveable, write_folder
from headwater.errors import UserError, with_article
from headwater.models.bert.config import BertConfig
from headwater.models.bert.network import initialize
from headwater.models.build import (
    HeadName,
    Model,
    ModelConfig,
    TaskHead,
    bare_model,
    check_head,
    config_of,
    head_name,
    with_labels,
)
from headwater.models.elmo.config import ELMoConfig
from headwater.models.heads import ModelWithHead
from headwater.models.multi_task import MultiTask
from headwater.text.loading import load_vocabulary


@dataclass(frozen=True, slots=True)
class LoadedCheckpoint:
    """A model and what loading it had to decide.

    Attributes:
        model: in evaluation mode, on the CPU.
        config: its sizes.
        new_parameters: tensors that the folder lacks and that were drawn afresh: say so aloud.
        ignored: tensors of the folder that this model has no use for.
    """

    model: Model
    config: ModelConfig
    new_parameters: tuple[str, ...]
    ignored: tuple[str, ...]


def load_model(
    folder: Path,
    head: str | None = None,
    *,
    labels: Sequence[str] | None = None,
    dtype: torch.dtype = torch.float32,
) -> LoadedCheckpoint:
    """Read a folder that this library or `transformers` wrote.

    Args:
        folder: holds config.json and safetensors.
        head: the head to put on the body; None: the one that config.json names. One that the
            folder does not hold is drawn afresh.
        labels: the classes of a "sequence" or "token" head; None or empty: as in config.json. A
            head of other classes than these is not used, and one is drawn afresh; to one whose
            classes have no names they are given.
        dtype: of the parameters; half-precision files are widened.

    Raises:
        UserError: whatever is wrong with the folder, naming the file and the tensors.
    """
    refuse_adapted(folder)
    where = folder / "config.json"
    content = files.read_json(where)
    written = read_config(content, str(where))
    family = FAMILIES[family_name(written)]
    tasks = read_tasks(content, where)
    architecture = _architecture(content, where)
    stored = read_weights(folder)
    if tasks is not None and head is None:
        assert isinstance(written, BertConfig)
        several = load_tasks(folder, written, tasks, stored).to(dtype).eval()
        check_others(folder)
        return LoadedCheckpoint(several, written, (), ())
    of_body = architecture if tasks is None else ""  # a body alone
    saved, chosen = _heads(family, of_body, written, head, labels, where)
    tensors = published(stored if tasks is None else body_of(stored), family, folder)
    config = with_labels(tied_as_found(written, tensors), labels)
    return _filled(Match(folder, family, chosen, saved), config, tensors, dtype)


def _filled(
    match: Match, config: ModelConfig, tensors: Mapping[str, torch.Tensor], dtype: torch.dtype
) -> LoadedCheckpoint:
    """Build the model with one head or none, fill it, and hold the other files to the manifest."""
    pooler = any(name.startswith(f"{match.family.prefix}pooler.") for name in tensors)
    with torch.device("meta"):  # nothing is drawn that the folder holds
        model = bare_model(config, match.head, pooler=pooler)
    found, ignored = match.sort(tensors)
    new = match.check(model, found)
    if isinstance(config, BertConfig):  # only its heads can be new
        _draw(model, new, config)
    values = {name: tensor.to(dtype) for name, tensor in found.items()}
    model.load_state_dict(values, strict=False, assign=True)
    model = model.to(dtype).eval()
    if isinstance(config, ELMoConfig) and config.vocab_size:
        know_words(model, load_vocabulary(match.folder))
    check_others(match.folder)
    return LoadedCheckpoint(model, config, new, ignored)


def load_multi_task(
    folder: Path, tasks: Mapping[str, TaskHead], *, dtype: torch.dtype = torch.float32
) -> LoadedCheckpoint:
    """Read the body of a folder and put a head for each task on it.

    Each is what `load_model` would put on; of a folder of several tasks, those of the same name
    and labels are kept.

    Raises:
        UserError: as `load_model`, or a task cannot have the head.
    """
    file = folder / "config.json"
    old = read_tasks(files.read_json(file), file) or {}
    body, heads, new = None, {}, []
    if old:
        whole = load_model(folder, dtype=dtype).model
        assert isinstance(whole, MultiTask)
        body = whole.body
        heads = {name: whole.one(name).head for name in tasks if old.get(name) == tasks[name]}
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
    return LoadedCheckpoint(model, body.config, tuple(new), ())


def _same_classes(config: ModelConfig, labels: Sequence[str] | None) -> bool:
    """Tell whether a head of that config can choose among these labels, or none are asked for."""
    if not isinstance(config, BertConfig) or not labels:
        return True
    names = config.label_names
    unnamed = names == tuple(f"LABEL_{number}" for number in range(len(labels)))
    return unnamed or names == tuple(labels)


def _draw(model: Model, names: Sequence[str], config: BertConfig) -> None:
    """Give fresh weights to the modules of those parameters."""
    for module in dict.fromkeys(name.rpartition(".")[0] for name in names):
        part = model.get_submodule(module)
        part.to_empty(device="cpu", recurse=False)
        initialize(part, config.initializer_range)


def save_model(
    folder: Path,
    model: Model,
    *,
    vocabulary: Saveable | None = None,
    extra: Mapping[str, object] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a folder that `load_model` and `transformers` open; it appears whole or not at all.

    Args:
        folder: takes the place of an older folder of that name.
        model: a `ModelWithHead`, a `MultiTask`, a bare `Bert`, a `GPT` or a `T5`.
        vocabulary: saved beside it.
        extra: JSON that travels with it; `read_extra` gives it back.
        dtype: of the file, for example torch.float16; None: as the parameters are.
    """
    content, tensors = model_json(model), _tensors(model)
    tensors = {name: value if dtype is None else value.to(dtype) for name, value in tensors.items()}
    content["dtype"] = str(next(iter(tensors.values())).dtype).removeprefix("torch.")
    beside = {} if extra is None else {EXTRA: extra}
    write_folder(folder, tensors, {"config.json": content}, vocabulary=vocabulary, beside=beside)


def model_json(model: Model) -> dict[str, Any]:
    """Return the content of config.json."""
    if isinstance(model, MultiTask):
        return write_tasks(model)
    config, head = config_of(model), head_name(model)
    return write_config(config, FAMILIES[family_name(config)].heads[head].architecture, head)


def _tensors(model: Model) -> dict[str, torch.Tensor]:
    """Return the tensors by their names in the file."""
    if isinstance(model, MultiTask):
        return tensors_of(model)
    family, head = FAMILIES[family_name(config_of(model))], head_name(model)
    named = {their_name(name, family, head): each for name, each in model.state_dict().items()}
    return pack(named, family)


def read_extra(folder: Path) -> dict[str, Any]:
    """Return the `extra` that was saved with a model; empty when there is none."""
    path = folder / EXTRA
    if not path.exists():
        return {}
    content = files.read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: a JSON object was expected")
    return content


def head_in(content: Mapping[str, Any], where: Path) -> HeadName | None:
    """Return the head of the model that a config.json describes.

    Raises:
        UserError: it is of a class that is not in the tables.
    """
    config = read_config(content, str(where))
    family = FAMILIES[family_name(config)]
    return _saved_head(family, _architecture(content, where), config, None, where)


def _architecture(content: Mapping[str, Any], where: Path) -> str:
    names = content.get("architectures") or [""]
    if not isinstance(names, list) or not isinstance(names[0], str):
        raise UserError(f"{where}: architectures must be a list of names")
    return names[0]


def _heads(
    family: Family,
    architecture: str,
    config: ModelConfig,
    asked: str | None,
    labels: Sequence[str] | None,
    where: Path,
) -> tuple[HeadName | None, HeadName | None]:
    """Return the head that the folder was written with, if it can go on, and the one to load."""
    saved = _saved_head(family, architecture, config, asked, where)
    chosen = saved if asked is None else check_head(asked)
    if chosen not in family.heads:
        raise UserError(f"{where}: {with_article(config.model_type)} body takes no {chosen} head")
    if saved in ("sequence", "token") and not _same_classes(config, labels):
        saved = None
    return saved, chosen


def _saved_head(
    family: Family,
    architecture: str,
    config: ModelConfig,
    asked: str | None,
    where: Path,
) -> HeadName | None:
    """Return the head that the folder was written with; a bare body when it does not say."""
    try:
        saved = family.head_of(architecture) if architecture else None
    except KeyError:
        if asked is not None:
            return None
        known = ", ".join(family.architectures())
        raise UserError(f"{where}: {architecture} is not supported; known are {known}") from None
    single = isinstance(config, BertConfig) and len(config.label_names) == 1
    return "regression" if saved == "sequence" and single else saved
