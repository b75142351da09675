"""`text-classification`: labels of texts or pairs of texts, with their scores."""

from collections.abc import Sequence
from typing import Any, final

from pydantic import PositiveInt

from headwater.config import Config
from headwater.data.example import PairExample
from headwater.inference.label_predictors import Activation
from headwater.inference.loaded import LoadedModel
from headwater.inference.text_labels import ranked
from headwater.pipelines.task import field, filled, several


class ClassificationOptions(Config):
    """What a caller may set.

    top_k: how many labels; left out: all.
    function_to_apply: from the logits to the scores; left out: by the model's head.
    """

    top_k: PositiveInt | None = None
    function_to_apply: Activation | None = None


@final
class TextClassification:
    """Gives labels."""

    options = ClassificationOptions

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        model.predictors.classifier()  # that it can

    def items(self, inputs: Any) -> tuple[list[PairExample], bool]:
        """Check a text, a pair `{"text": ..., "text_pair": ...}`, or a list of them."""
        if isinstance(inputs, str | dict):
            return [_example(inputs, "inputs")], True
        given = several(inputs, "a text, an object with text and text_pair, or a list of them")
        return [_example(each, f"inputs[{number}]") for number, each in enumerate(given)], False

    def characters(self, item: PairExample) -> int:
        return len(item.text_a) + len(item.text_b or "")

    def run(self, items: Sequence[PairExample], options: ClassificationOptions) -> list[Any]:
        classifier = self._model.predictors.classifier(activation=options.function_to_apply)
        return [
            [
                {"label": each.label, "score": each.score}
                for each in ranked(decision, classifier.labels, options.top_k)
            ]
            for decision in classifier(items)
        ]

    def outer(self, results: list[Any], one: bool) -> Any:
        return results


def _example(given: Any, where: str) -> PairExample:
    if not isinstance(given, dict):
        return PairExample("", filled(given, where))
    second = field(given, "text_pair", where) if given.get("text_pair") is not None else None
    return PairExample("", field(given, "text", where), second)
