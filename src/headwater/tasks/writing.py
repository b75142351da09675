"""Tasks of writing a text for a text: translations, summaries, answers from memory.

Each is a prefix, a way to read its files, and metrics by name:

    "summarize: " + article    ->    highlights        rouge1, rouge2, rougeL, rougeLsum
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, final

from headwater.data.example import DataSource, Examples, ReadReport, TextExample
from headwater.data.parallel_files import Text
from headwater.data.predictions import LINES, PredictionFile
from headwater.data.task import Kind, Task
from headwater.errors import UserError
from headwater.metrics import generation
from headwater.metrics.names import MetricKind

BLEU_TOKENIZERS: Mapping[str, generation.BleuTokenizer] = {"bleu": "13a", "bleu_intl": "intl"}


class TextReader(Protocol):
    """Reads a file of a task; without `answered` it need not hold what is to be written."""

    def __call__(self, path: Path, *, answered: bool) -> Iterable[Text]: ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TextTask(Task[TextExample]):
    """A task of writing; `prefix` is what T5 reads before the text."""

    kind: Kind = "text"
    metric_kind: MetricKind = "text"
    prediction_file: PredictionFile = LINES
    prefix: str
    reader: TextReader

    def read_files(self, paths: Sequence[Path], *, answered: bool) -> Examples[TextExample]:
        """Read files; an id is an example's number, from "0" over all of them.

        Where answers are read, texts and answers that are empty are left out and reported.
        """
        examples: list[TextExample] = []
        left_out: list[str] = []
        for path in paths:
            for where, source, targets in self.reader(path, answered=answered):
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

    def golds(self, examples: DataSource[TextExample]) -> dict[str, Sequence[str]]:
        """Return all that may be written for each text."""
        for example in examples:
            if not example.targets:
                raise UserError(f"example {example.id!r} has no known answer to score against")
        return {example.id: example.targets for example in examples}

    def report(self, examples: DataSource[TextExample], predictions: Mapping[str, str]) -> str:
        """Return the signature of each BLEU, without which its number says little."""
        golds = [example.targets for example in examples]
        lines = [
            f"{name}: {generation.bleu_signature(golds, tokenize)}\n"
            for name, tokenize in BLEU_TOKENIZERS.items()
            if name in self.metric_names
        ]
        return "".join(lines)
