"""`headwater.pipeline`: a task over a model, called and answering as `transformers` 4 does.

summarize = headwater.pipeline("summarization", "t5-small")
summarize("a long text", max_new_tokens=40)     # [{"summary_text": "..."}]
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

from headwater.arguments import check_text
from headwater.errors import UserError
from headwater.inference.loaded import LoadedModel, load
from headwater.inference.loading import Loading
from headwater.pipelines.names import full_name, pipeline_task, tasks_of
from headwater.pipelines.task import PipelineTask
from headwater.pipelines.vectors import FeatureExtraction

_BY_NAME: Mapping[str, tuple[str, ...]] = {
    "question-answering": ("question", "context"),
}
"""Inputs that may be given by name, of which lists go together item by item."""

_UNLISTED = ("question-answering", "fill-mask")
"""Tasks whose answer to a list of one input is no list."""

_BUNDLED: Mapping[str, str] = {
    "question-answering": "reader",
    "token-classification": "tagger",
    "text-classification": "sentiment",
    "text2text-generation": "writer",
}
"""The bundled model of each task that has one."""


def pipeline(
    task: str | None = None,
    model: str | Path | LoadedModel | None = None,
    *,
    device: str | int = "auto",
    precision: str = "auto",
    **options: Any,
) -> "Pipeline":
    """Return what does a task, as `transformers.pipeline` of version 4 does.

    Args:
        task: such as "question-answering"; None: the first that the model does.
        model: a folder, a hub id, a bundled name, or what `load` gave; None: the bundled one.
        device, precision: as of `load`; a device may be a number, as version 4 has it: of a GPU,
            or -1 for the CPU.
        options: those of each call, where it does not give its own.
    """
    name = None if task is None else full_name(check_text(task, "task"))[0]
    if model is None:
        if name is None:
            raise UserError("pipeline(): give a task, a model, or both")
        if name not in _BUNDLED:
            raise UserError(f"pipeline({task!r:.60}): no model is bundled for it; name one")
        model = _BUNDLED[name]
    if isinstance(device, int):
        device = "cpu" if device < 0 else f"cuda:{device}"
    loading: Loading = {"device": device, "precision": precision}
    loaded = model if isinstance(model, LoadedModel) else load(model, **loading)
    if task is None or name is None:
        name, done = next(iter(tasks_of(loaded).items()))
    else:
        done = pipeline_task(task, loaded)
    return Pipeline(name, done, loaded, options)


@final
class Pipeline:
    """A task over a model, to be called. Calls may come from many threads at once.

    Attributes:
        task: its name.
        model: what is asked.
    """

    def __init__(
        self, task: str, done: PipelineTask, model: LoadedModel, options: Mapping[str, Any]
    ) -> None:
        self.task, self.model = task, model
        self._done, self._options = done, dict(options)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Return what is said of one input, or of each of a list.

        Args:
            inputs: one input or a list; a zero-shot classifier takes its labels second.
            options: those of the task, by the names of `transformers`.
        """
        given = {**self._options, **options}
        asked = self._inputs(inputs, given)
        values = {key: value for key, value in given.items() if value is not None}
        if self.task == "text-generation":
            values = {"return_full_text": True, **values}
        if self.task == "text-classification" and "top_k" not in given:
            values["top_k"] = 1
        if isinstance(asked, list | tuple) and not asked:
            return []
        items, one = self._done.items(asked)
        if isinstance(self._done, FeatureExtraction) and not values:
            found = [[each] for each in self._done.token_vectors(items)]
            return found[0] if one else found
        results = self._done.run(items, self._done.options.check(values, f"pipeline {self.task}"))
        return self._shaped(results, one, asked, given)

    def _inputs(self, inputs: tuple[Any, ...], given: dict[str, Any]) -> Any:
        """Return the inputs, which may be options by their names; `given` loses those."""
        if self.task == "zero-shot-classification":
            if len(inputs) == 2:
                given["candidate_labels"] = inputs[1]
                inputs = inputs[:1]
            if not inputs and "sequences" in given:
                inputs = (given.pop("sequences"),)
        names = _BY_NAME.get(self.task, ())
        if not inputs and names and all(name in given for name in names):
            return _paired({name: given.pop(name) for name in names})
        if not inputs:
            raise UserError(f"pipeline {self.task}: no input is given")
        return inputs[0] if len(inputs) == 1 else list(inputs)

    def _shaped(self, results: list[Any], one: bool, asked: Any, given: Mapping[str, Any]) -> Any:
        if self.task == "text-classification":
            if "top_k" in given:
                return results[0] if one else results
            return [each[0] for each in results]
        if self.task == "zero-shot-classification":
            texts = [asked] if one else asked
            found = [_by_label(text, each) for text, each in zip(texts, results, strict=True)]
            return found[0] if one else found
        if self.task in _UNLISTED and len(results) == 1:
            return results[0]
        return self._done.outer(results, one)


def _paired(values: Mapping[str, Any]) -> Any:
    """Turn lists by name into a list of objects; a value that is no list goes with each."""
    lists = [value for value in values.values() if isinstance(value, list | tuple)]
    if not lists:
        return dict(values)
    lengths = {len(each) for each in lists}
    if len(lengths) != 1:
        raise UserError(f"{' and '.join(values)}: lists of one length were expected")
    [length] = lengths
    several = {key: _each(value, length) for key, value in values.items()}
    return [{key: several[key][number] for key in values} for number in range(length)]


def _each(value: Any, count: int) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value] * count


def _by_label(text: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "sequence": text,
        "labels": [each["label"] for each in found],
        "scores": [each["score"] for each in found],
    }
