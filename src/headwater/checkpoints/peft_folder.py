"""A folder that `peft` wrote: an update of a body that lies elsewhere, read as a whole model.

    adapter_config.json         {"peft_type": "LORA", "base_model_name_or_path": "/models/bert",
                                 "task_type": "SEQ_CLS", "r": 8, "lora_alpha": 16, ...}
    adapter_model.safetensors   the matrices A and B of each module, and heads as they are

W + scale B A takes the place of each matrix W of the base, before anything else looks at it: what
is opened is a model like any other. Files that the folder lacks are those of the base.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from os.path import isdir
from pathlib import Path
from typing import Any, Self

from torch import Tensor

from headwater.checkpoints.hub import ADAPTER, resolve
from headwater.checkpoints.weights import INDEX, METHOD, SINGLE, TRAINED, read_file, read_weights
from headwater.errors import UserError
from headwater.files import read_json
from headwater.models.config import HeadName
from headwater.models.families import BY_MODEL_TYPE
from headwater.models.key_table import KeyTable, numbered

PREFIX = "base_model.model."
"""Before the name of each tensor in the file."""

_HEADS: Mapping[str, HeadName | None] = {
    **{"SEQ_CLS": "sequence", "TOKEN_CLS": "token", "QUESTION_ANS": "span"},
    **dict.fromkeys(("SEQ_2_SEQ_LM", "CAUSAL_LM", "FEATURE_EXTRACTION")),
}
_UNSUPPORTED = ("use_dora", "use_qalora", "use_bdlora", "lora_bias", "layer_replication",
                "trainable_token_indices", "target_parameters", "alora_invocation_tokens",
                "arrow_config", "kasa_config", "monteclora_config", "velora_config")  # fmt: skip
_STARTS = (True, False, "gaussian", "eva", "orthogonal", "lora_ga")
"""The ways of `init_lora_weights` that leave the base as it was."""

_MATRIX = re.compile(r"(.+)\.lora_(embedding_)?([AB])(\.weight)?")
_MOST = 1e30  # the alpha that float32 holds
_MERGE = "merge it there (merge_and_unload) and save the whole"


@dataclass(frozen=True, slots=True)
class PeftFolder:
    """The folder, its settings and the folder of the model that was adapted."""

    folder: Path
    settings: Mapping[str, Any]
    base: Path

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """Read a folder's settings; None where it is no folder of `peft`, or holds a model too."""
        file = folder / ADAPTER
        if not file.is_file() or any((folder / n).is_file() for n in (METHOD, SINGLE, INDEX)):
            return None
        settings = read_json(file)
        if not isinstance(settings, dict):
            raise UserError(f"{file}: an object was expected")
        _refuse_others(settings, file)
        return cls(folder, settings, _base(settings.get("base_model_name_or_path"), folder))

    def described(self, content: Any) -> Any:
        """Return the content of the base's config.json with the head of this folder."""
        task, file = self.settings.get("task_type"), self.folder / ADAPTER
        model_type = content.get("model_type") if isinstance(content, dict) else None
        if task is None or not isinstance(model_type, str) or model_type not in BY_MODEL_TYPE:
            return content
        keys = BY_MODEL_TYPE[model_type].formats[model_type].keys
        known = isinstance(task, str) and task in _HEADS
        head = _HEADS[task] if known else None
        if not known or head not in keys.heads:
            raise UserError(f"{file}: task_type {task!r} of a {model_type} is not supported")
        content = {**content, "architectures": [keys.heads[head].architecture]}
        saved = read_file(self.folder, TRAINED)
        table = saved.get(f"{PREFIX}{keys.token_embeddings()}")
        if table is not None and table.dim():  # for tokens that were added
            content["vocab_size"] = len(table)
        output = keys.heads[head].modules.get("head.dense")
        weight = saved.get(f"{PREFIX}{output}.weight")
        if head in ("sequence", "token") and weight is not None:
            return self._labelled(content, weight, f"{output}.weight")
        return content

    def _labelled(self, content: Any, weight: Tensor, name: str) -> Any:
        """Return the content with as many labels as the head here has; the base's may differ."""
        if weight.dim() != 2 or not len(weight):
            raise UserError(
                f"{self.folder / TRAINED}: {name} is {tuple(weight.shape)}, and a row for each "
                f"label was expected; {_MERGE}"
            )
        labels = content.get("id2label")
        count = len(labels) if labels and isinstance(labels, dict) else content.get("num_labels", 2)
        if count == len(weight):
            return content
        return {**content, "id2label": {str(n): f"LABEL_{n}" for n in range(len(weight))}}

    def tensors(self, keys: KeyTable) -> dict[str, Tensor]:
        """Return the tensors of the whole model, by their published names."""
        whole = {keys.whole_name(name): each for name, each in read_weights(self.base).items()}
        # with bias = "all", peft leaves the adapter's name in those of heads
        saved = re.compile(rf"\.modules_to_save\.((default|{re.escape(self.folder.name)})\.)?")
        matrices: dict[str, dict[str, Tensor]] = {}
        for name, tensor in read_file(self.folder, TRAINED).items():
            if not name.startswith(PREFIX):
                raise UserError(f"{self.folder / TRAINED}: unexpected: {name}; {_MERGE}")
            name = name.removeprefix(PREFIX).replace(".base_layer.", ".")
            if ".original_module." in name:
                continue
            if matrix := _MATRIX.fullmatch(name):
                kind = f"{matrix[2] or ''}{matrix[3]}"
                matrices.setdefault(matrix[1], {})[kind] = tensor.float()
            else:
                whole[keys.whole_name(saved.sub(".", name))] = tensor
        for module, pair in matrices.items():
            name = keys.whole_name(f"{module}.weight")
            whole[name] = self._updated(module, whole.get(name), pair, keys)
        return whole

    def _updated(
        self, module: str, weight: Tensor | None, pair: Mapping[str, Tensor], keys: KeyTable
    ) -> Tensor:
        """Return a weight with its update."""
        where = f"{self.folder / TRAINED}: {module}"
        if weight is None:
            raise UserError(f"{where}: {self.base} has no such weight; is it the right base?")
        shapes = {name: tuple(each.shape) for name, each in pair.items()}
        if not _are_factors([shapes[name] for name in sorted(shapes)]):
            raise UserError(f"{where}: {shapes} are not the two factors of LoRA; {_MERGE}")
        untied = keys.prefix and not keys.bodies  # no output layer shares the table
        if pair.keys() == {"embedding_A", "embedding_B"} and untied:
            change = (pair["embedding_B"] @ pair["embedding_A"]).T
        elif pair.keys() == {"A", "B"}:
            change = pair["B"] @ pair["A"]
            pattern = numbered(keys.whole_name(f"{module}.weight").removesuffix(".weight"))[0]
            change = change.T if pattern in keys.transposed else change
        else:
            raise UserError(f"{where}: {', '.join(sorted(pair))} alone is not supported; {_MERGE}")
        if change.shape != weight.shape:
            raise UserError(
                f"{where}: its update is {tuple(change.shape)}, and the weight of the base, "
                f"{self.base}, is {tuple(weight.shape)}; is it the right one?"
            )
        rank = min(each.shape[0] for name, each in pair.items() if name.endswith("A"))
        root = 0.5 if self.settings.get("use_rslora") else 1.0
        scale: float = self._alpha(module) / rank**root
        return weight.float() + change * scale

    def _alpha(self, module: str) -> float:
        """Return the settings' alpha for a module, by the first pattern that fits its end."""
        file, patterns = self.folder / ADAPTER, self.settings.get("alpha_pattern") or {}
        if not isinstance(patterns, dict):
            raise UserError(f"{file}: alpha_pattern must be an object from pattern to number")
        try:
            alpha = next(
                (each for key, each in patterns.items() if re.match(rf"(.*\.)?({key})$", module)),
                self.settings.get("lora_alpha", 8),
            )
        except (re.error, RecursionError) as error:
            raise UserError(f"{file}: alpha_pattern has a broken pattern ({error})") from None
        if type(alpha) not in (int, float) or not abs(alpha) < _MOST:
            raise UserError(f"{file}: lora_alpha must be a number, not {alpha!r:.40}")
        return float(alpha)


def beside(folder: Path, name: str) -> Path:
    """Return a file of a model's folder; where a folder of `peft` lacks it, that of its base."""
    file = folder / name
    found = None if file.exists() else PeftFolder.find(folder)
    return file if found is None else found.base / name


def _refuse_others(settings: Mapping[str, Any], file: Path) -> None:
    """Refuse what is not LoRA as its paper has it, by name."""
    kind = settings.get("peft_type")
    if kind != "LORA":
        raise UserError(f"{file}: peft_type {kind!r} is not supported, LORA is; {_MERGE}")
    for name in _UNSUPPORTED:
        if settings.get(name):
            raise UserError(f"{file}: {name} = {settings[name]!r:.40} is not supported; {_MERGE}")
    start = settings.get("init_lora_weights", True)
    if start not in _STARTS:
        raise UserError(
            f"{file}: init_lora_weights {start!r:.40} changes the base, too, and is not supported; "
            f"{_MERGE}"
        )


def _are_factors(shapes: list[tuple[int, ...]]) -> bool:
    """Tell whether these, of A and B, have a product; one alone is another fault."""
    if len(shapes) != 2:
        return True
    first, second = shapes
    return len(first) == len(second) == 2 and first[0] == second[1] > 0


def _base(name: Any, folder: Path) -> Path:
    """Return the folder of the model that was adapted."""
    file = folder / ADAPTER
    if not isinstance(name, str) or not name:
        raise UserError(
            f"{file}: base_model_name_or_path names no model; write there the folder, or the hub "
            "id, of the model that was adapted"
        )
    near = [each for each in (folder / name, folder.parent / name) if isdir(each)]
    try:
        return resolve(name if isdir(name) or not near else str(near[0]))
    except UserError as error:
        raise UserError(
            f"{file}: the model that was adapted is looked for at {name} "
            f"(base_model_name_or_path): {error}; write there where it is"
        ) from None
