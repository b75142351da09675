"""The models of a server, by name, and which of them a request is for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import final

from headwater.checkpoints.hub import BUNDLED, resolve
from headwater.checkpoints.parts import read_adaptation
from headwater.errors import UserError, listed
from headwater.inference.loaded import LoadedModel, load
from headwater.inference.loading import Loading
from headwater.messages import hidden
from headwater.paths import real
from headwater.pipelines.names import NAMES, tasks_of
from headwater.pipelines.task import PipelineTask
from headwater.serving.refusals import Refusal, invalid

_BY_DEFAULT = ("reader", "writer", "tagger", "sentiment")
_NEED_MORE = ("question-answering", "sentence-similarity", "zero-shot-classification")
"""Tasks that a plain text is no request for."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model with the tasks that it does, what it is mostly asked for first."""

    name: str
    loaded: LoadedModel
    tasks: Mapping[str, PipelineTask]

    @property
    def first_task(self) -> str:
        """What it is mostly asked for."""
        return next(iter(self.tasks))


@final
class Models:
    """The models in the order in which they were given."""

    def __init__(self, models: Sequence[ServedModel]) -> None:
        self._models = {each.name: each for each in models}

    def __iter__(self) -> Iterator[ServedModel]:
        return iter(self._models.values())

    @property
    def first(self) -> ServedModel:
        """The one that was given first."""
        return next(iter(self))

    def named(self, name: str) -> ServedModel:
        """Return the model of a name."""
        if name not in self._models:
            known = listed(self._models)
            raise Refusal(404, "not_found", f"no model {name!r:.80}; there are {known}")
        return self._models[name]

    def doing(self, task: str) -> ServedModel:
        """Return the first model that does a task."""
        found = next((each for each in self if task in each.tasks), None)
        if found is None:
            raise invalid(f"no model here does {task}; see /info for what they do")
        return found

    def choose(
        self, hints: Sequence[str], model: ServedModel | None = None
    ) -> tuple[ServedModel, str]:
        """Return the model and the task that a request is for.

        Args:
            hints: the tasks that its body may mean; none: any of a text.
            model: the one that it names.
        """
        asked = [model] if model is not None else list(self)
        for each in asked:
            for task in each.tasks:
                if task in hints:
                    return each, task
        if hints:
            does = listed(name for each in asked for name in each.tasks)
            raise invalid(f"this is a request for {' or '.join(hints)}; done here: {does}")
        # A reader gives vectors, too, but a tagger beside it is more likely meant.
        for each in sorted(asked, key=lambda each: each.first_task in _NEED_MORE):
            for task in each.tasks:
                if task not in _NEED_MORE:
                    return each, task
        raise invalid(f"inputs: {asked[0].first_task} needs an object, not a text")

    def task(self, model: ServedModel, task: str) -> PipelineTask:
        """Return a task of a model."""
        if task not in NAMES:
            raise Refusal(404, "not_found", f"no task {task!r:.80}; there are {listed(NAMES, 20)}")
        if task not in model.tasks:
            does = listed(model.tasks, 20)
            raise invalid(f"{model.name}: does not do {task}; it does {does}")
        return model.tasks[task]


def load_models(given: Sequence[str], device: str, precision: str) -> Models:
    """Load models, those that were trained on the body of an earlier one onto that body.

    Args:
        given: folders, hub ids, bundled names, or NAME=MODEL; none: the bundled ones.
    """
    found: dict[str, ServedModel] = {}
    loading: Loading = {"device": device, "precision": precision}
    for each in given or [name for name in _BY_DEFAULT if name in BUNDLED]:
        before, equals, after = each.partition("=")
        named = bool(equals and before and "/" not in before)
        name, model = (before, after) if named else (_name(each), each)
        if name in found:
            raise UserError(f"two models are called {name}; name one of them: OTHER={model}")
        loaded = _loaded(model, [one.loaded for one in found.values()], loading)
        with hidden("headwater.inference.embedder"):  # what stands on an encoder is in the docs
            found[name] = ServedModel(name, loaded, tasks_of(loaded))
    if not found:
        raise UserError("no model is bundled with this installation; name one")
    return Models(list(found.values()))


def _loaded(model: str, earlier: Sequence[LoadedModel], loading: Loading) -> LoadedModel:
    adaptation = read_adaptation(resolve(model))
    if adaptation is not None:
        base = real(resolve(adaptation.base.name))
        for each in earlier:
            if each.folder == base:
                return each.adapted(model)
    return load(model, **loading)


def _name(model: str) -> str:
    """Return the last part of a path or of a hub id; of a run's `model/` that of the run."""
    parts = [part for part in PurePath(model).parts if part not in ("/", ".", "..")]
    if len(parts) > 1 and parts[-1] == "model":
        return parts[-2]
    return parts[-1] if parts else model
