"""Tasks of writing a text for a text: translations, summaries, answers from memory.

Each is a prefix, a way to read its files, and metrics by name:

    "summarize: " + article    ->    highlights        rouge1, rouge2, rougeL, rougeLsum
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, final

from headwater.data.example import TextExample
from headwater.data.official_files import with_folders
from headwater.data.parallel_files import Text
from headwater.data.predictions import LINES, PredictionFile
from headwater.data.source import DataSource, Examples, ReadReport
from headwater.data.task import TaskFiles, refuse_probabilities
from headwater.errors import UserError
from headwater.metrics import generation, qa

Golds = Sequence[Sequence[str]]
Scorer = Callable[[Golds, Sequence[str]], dict[str, float]]
"""From all that may be written for each text, and what was, to metrics by name, in percent."""


class Texts(Protocol):
    """Reads a file of a task; without `answered` it need not hold what is to be written."""

    def __call__(self, path: Path, *, answered: bool) -> Iterable[Text]: ...


@final
@dataclass(frozen=True, slots=True)
class TextTask:
    """A task of writing (see `Task`).

    Args:
        prefix: what T5 reads before the text.
        texts: reads a file.
        scorers: together they give the metrics.
    """

    name: str
    summary: str
    prefix: str
    texts: Texts
    metric_names: tuple[str, ...]
    main_metric: str
    scorers: tuple[Scorer, ...]
    files: TaskFiles | None = None
    prediction_file: PredictionFile = LINES
    kind: Literal["text"] = "text"
    labels: tuple[str, ...] = ()
    null_answers: bool = False

    def read(self, paths: Sequence[Path], *, answered: bool = True) -> Examples[TextExample]:
        """Read files in order; a folder stands for its official validation file.

        An example's id is its number, from "0" over all files. Where answers are read, texts and
        answers that are empty are left out and reported.

        Raises:
            UserError: a file is broken or not of this task, or there is no text in it.
        """
        examples: list[TextExample] = []
        left_out: list[str] = []
        files = with_folders(self.name, self.files, paths)
        for path in files:
            for where, source, targets in self.texts(path, answered=answered):
                targets = tuple(each for each in targets if each.strip())
                if answered and not (source.strip() and targets):
                    what = "answer" if source.strip() else "text"
                    left_out.append(f"{where}: the {what} is empty")
                    continue
                key = str(len(examples) + len(left_out))
                examples.append(TextExample(key, source, targets))
        if not examples:
            named = ", ".join(map(str, paths)) or "no file given"
            why = f"; {left_out[0]}" if left_out else ""
            raise UserError(f"{named}: no text of task {self.name}{why}")
        return Examples(examples, ReadReport(left_out=tuple(left_out), dropped=len(left_out)))

    def to_text(self, example: TextExample) -> TextExample:
        """Write the prefix before the text."""
        return TextExample(example.id, self.prefix + example.inputs, example.targets)

    def from_text(self, example: TextExample, text: str) -> str:
        """Take what was written, without the white space around it."""
        return text.strip()

    def score(
        self,
        examples: DataSource[TextExample],
        predictions: Mapping[str, str],
        no_answer_probabilities: Mapping[str, float] | None = None,
    ) -> dict[str, float]:
        """Score with the task's metrics, in percent; a missing prediction counts as empty.

        Raises:
            UserError: what may be written for an example is not known, or there are no-answer
                probabilities.
        """
        refuse_probabilities(self.name, no_answer_probabilities)
        for example in examples:
            if not example.targets:
                raise UserError(f"example {example.id!r} has no known answer to score against")
        golds = [example.targets for example in examples]
        given = [predictions.get(example.id, "") for example in examples]
        found: dict[str, float] = {}
        for scorer in dict.fromkeys(self.scorers):
            found |= scorer(golds, given)
        return {name: found[name] for name in self.metric_names}

    def report(self, examples: DataSource[TextExample], predictions: Mapping[str, str]) -> str:
        """Return the signature of each BLEU, without which its number says little."""
        golds = [example.targets for example in examples]
        lines = [
            f"{name}: {generation.bleu_signature(golds, tokenize)}\n"
            for name, tokenize in BLEU_TOKENIZERS.items()
            if name in self.metric_names
        ]
        return "".join(lines)


BLEU_TOKENIZERS: Mapping[str, generation.BleuTokenizer] = {"bleu": "13a", "bleu_intl": "intl"}


def bleu(golds: Golds, given: Sequence[str]) -> dict[str, float]:
    """Score translations with the tokenization 13a."""
    return {"bleu": generation.bleu(golds, given)}


def bleu_intl(golds: Golds, given: Sequence[str]) -> dict[str, float]:
    """Score translations with the tokenization intl, as the T5 paper does."""
    return {"bleu_intl": generation.bleu(golds, given, "intl")}


def rouge(golds: Golds, given: Sequence[str]) -> dict[str, float]:
    """Score summaries, their sentences told apart as in T5's published code."""
    lines = [tuple(map(_sentences, texts)) for texts in golds]
    return generation.rouge(lines, [_sentences(text) for text in given])


def answers(golds: Golds, given: Sequence[str]) -> dict[str, float]:
    """Score answers by the known one that fits best."""
    return _answers(golds, given, qa.normalize_answer)


def trivia_answers(golds: Golds, given: Sequence[str]) -> dict[str, float]:
    """Score answers as TriviaQA does, whose normalization keeps other signs."""
    return _answers(golds, given, qa.normalize_trivia_qa)


SCORERS: Mapping[str, Scorer] = {
    "bleu": bleu,
    "bleu_intl": bleu_intl,
    **dict.fromkeys(("rouge1", "rouge2", "rougeL", "rougeLsum"), rouge),
    **dict.fromkeys(("exact_match", "f1"), answers),
}
"""By the name of a metric."""


def _sentences(text: str) -> str:
    return text.replace(" . ", " .\n")


def _answers(
    golds: Golds, given: Sequence[str], normalize: Callable[[str], str]
) -> dict[str, float]:
    keys = [str(place) for place in range(len(golds))]
    return qa.any_alias(
        dict(zip(keys, golds, strict=True)), dict(zip(keys, given, strict=True)), normalize
    )
