"""headwater takes a language model from raw text to answers.

Adapt it, measure it, ask it:

    import headwater

    model = headwater.load("reader")
    model.answer("Who wrote it?", "It was written by Ada in 1843.")[0].text   # Ada

Importing this module imports no torch: each name is fetched when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headwater.version import __version__

if TYPE_CHECKING:
    from headwater.documents.index import Index as Index
    from headwater.documents.index import open_index as open_index
    from headwater.errors import UserError as UserError
    from headwater.evaluation.evaluator import evaluate as evaluate
    from headwater.inference.answer import Answer as Answer
    from headwater.inference.entities import Entity as Entity
    from headwater.inference.gaps import Filling as Filling
    from headwater.inference.loaded import LoadedModel as LoadedModel
    from headwater.inference.loaded import load as load
    from headwater.inference.text_labels import Label as Label
    from headwater.pipelines.pipeline import Pipeline as Pipeline
    from headwater.pipelines.pipeline import pipeline as pipeline
    from headwater.questions.generate import generate_questions as generate_questions
    from headwater.runs.recipe import Recipe as Recipe
    from headwater.runs.run import finetune as finetune
    from headwater.tasks.names import task as task
    from headwater.text.loading import load_vocabulary as load_vocabulary

_HOMES = {
    "Answer": "headwater.inference.answer",
    "Entity": "headwater.inference.entities",
    "Filling": "headwater.inference.gaps",
    "Index": "headwater.documents.index",
    "Label": "headwater.inference.text_labels",
    "LoadedModel": "headwater.inference.loaded",
    "Pipeline": "headwater.pipelines.pipeline",
    "Recipe": "headwater.runs.recipe",
    "UserError": "headwater.errors",
    "evaluate": "headwater.evaluation.evaluator",
    "finetune": "headwater.runs.run",
    "generate_questions": "headwater.questions.generate",
    "load": "headwater.inference.loaded",
    "load_vocabulary": "headwater.text.loading",
    "open_index": "headwater.documents.index",
    "pipeline": "headwater.pipelines.pipeline",
    "task": "headwater.tasks.names",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'headwater' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
