"""`zero-shot-classification`: labels that nobody trained, by a model of entailment (Yin et al.
2019, "Benchmarking Zero-shot Text Classification", section 5).

    "It is sunny."  entails  "This example is weather."?
"""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from pydantic import Field, field_validator

from headwater.config import Config
from headwater.data.example import PairExample
from headwater.errors import UserError, listed
from headwater.inference.loaded import LoadedModel
from headwater.pipelines.task import first_or_all, texts_of

_ENTAILS = "entail"


class ZeroShotOptions(Config):
    """What a caller sets.

    candidate_labels: a list, or texts with commas between them.
    hypothesis_template: a sentence with {} where a label goes.
    multi_label: each label has a probability of its own; else they add up to 1.
    """

    candidate_labels: str | list[str] = Field(default=[])
    hypothesis_template: str = "This example is {}."
    multi_label: bool = False

    @field_validator("hypothesis_template")
    @classmethod
    def _has_a_place(cls, template: str) -> str:
        if template.count("{}") != 1:
            raise ValueError("a sentence with one {} where the label goes was expected")
        return template

    @property
    def labels(self) -> list[str]:
        """The labels, without white space around them."""
        given = self.candidate_labels
        names = given.split(",") if isinstance(given, str) else given
        found = [name.strip() for name in names if name.strip()]
        if not found:
            raise UserError("parameters.candidate_labels: missing; give a list of labels")
        return found


@final
class ZeroShotClassification:
    """Gives each label a probability by whether a text entails it."""

    options = ZeroShotOptions

    def __init__(self, model: LoadedModel) -> None:
        self._classifier = model.predictors.classifier(activation="none")
        labels = self._classifier.labels
        names = [label.casefold() for label in labels]
        found = [number for number, name in enumerate(names) if name.startswith(_ENTAILS)]
        if len(found) != 1 or len(names) < 2:
            raise UserError(
                f"{model.name}: chooses from {listed(labels)}; zero-shot-classification needs a "
                "model of entailment, trained on MNLI or RTE"
            )
        [self._entails] = found
        against = [number for number, name in enumerate(names) if name.startswith("contra")]
        others = [number for number in range(len(names)) if number != self._entails]
        self._against = (against or others[-1:])[0]

    def items(self, inputs: Any) -> tuple[list[str], bool]:
        return texts_of(inputs)

    def characters(self, item: str) -> int:
        return len(item)

    def run(self, items: Sequence[str], options: ZeroShotOptions) -> list[Any]:
        labels = options.labels
        sentences = [options.hypothesis_template.replace("{}", label) for label in labels]
        pairs = [PairExample("", text, sentence) for text in items for sentence in sentences]
        logits = np.array([each.probabilities for each in self._classifier(pairs)])
        scores = self._scores(logits.reshape(len(items), len(labels), -1), options.multi_label)
        found = []
        for row in scores:
            order = np.argsort(-row, kind="stable").tolist()
            found.append([{"label": labels[each], "score": float(row[each])} for each in order])
        return found

    def outer(self, results: list[Any], one: bool) -> Any:
        return first_or_all(results, one)

    def _scores(self, logits: Any, multi_label: bool) -> Any:
        """Return `[texts, labels]` of logits `[texts, labels, classes]`."""
        if multi_label or logits.shape[1] == 1:
            both = logits[:, :, [self._against, self._entails]]
            return _softmax(both, axis=2)[:, :, 1]
        return _softmax(logits[:, :, self._entails], axis=1)


def _softmax(values: Any, axis: int) -> Any:
    odds = np.exp(values - values.max(axis=axis, keepdims=True))
    return odds / odds.sum(axis=axis, keepdims=True)
