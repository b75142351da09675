"""Tasks of writing a text for a text, and the summaries among them.

Each is a prefix, a way to read its files, and metrics by name (Raffel et al. 2020, section 2.4):

    "translate English to German: " + sentence    ->    translation    bleu, bleu_intl
    "summarize: " + article                       ->    highlights     rouge1, rouge2, rougeL, ...

BLEU is sacreBLEU's (Post 2018) with its usual tokenization 13a, and with `intl`, of which the
paper's figures are; `metrics.generation.bleu_signature` says how each is made. ROUGE (Lin 2004) is
that of the rouge-score package without stemming (tasks of your own have `rouge1_stemmed`): the mean
over the examples of the best F-measure over an example's summaries. For `rougeLsum` a sentence
ends, as in T5's published code, at a line break or at a period between two spaces.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, final

from headwater.data.example import DataSource, Examples, ReadReport, TextExample
from headwater.data.official_files import TaskFiles
from headwater.data.parallel_files import Text
from headwater.data.predictions import LINES, PredictionFile
from headwater.data.task import Kind, Task
from headwater.errors import UserError
from headwater.metrics import generation
from headwater.metrics.names import MetricKind
from headwater.tasks.template import Template, TemplateReader

BLEU_TOKENIZERS: Mapping[str, generation.BleuTokenizer] = {"bleu": "13a", "bleu_intl": "intl"}


class TextReader(Protocol):
    """Reads a file of a task; without `answered` it need not hold what is to be written."""

    def __call__(self, path: Path, *, answered: bool) -> Iterable[Text]: ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TextTask(Task[TextExample]):
    """A task of writing.

    prefix: what T5 reads before the text.
    reader: reads a file, as `reader(path, answered=...)`, into texts with their targets.
    """

    kind: Kind = "text"
    metric_kind: MetricKind = "text"
    prediction_file: PredictionFile = LINES
    prefix: str
    reader: TextReader

    def read_files(self, paths: Sequence[Path], *, answered: bool) -> Examples[TextExample]:
        """Read files; an id is an example's number, from "0" over all of them.

        What is empty counts in scores, and is not trained on. An example without a list of answers
        cannot be scored: it is left out and reported.
        """
        examples: list[TextExample] = []
        left_out: list[str] = []
        untrained: list[str] = []
        for path in paths:
            for where, source, targets in self.reader(path, answered=answered):
                if answered and not targets:
                    left_out.append(f"{where}: there is no answer")
                    continue
                example = TextExample(str(len(examples) + len(left_out)), source, targets)
                examples.append(example)
                if answered and self.trained(example, writes=True) is None:
                    what = "answer" if source.strip() else "text"
                    untrained.append(f"{where}: the {what} is empty")
        if not examples:
            named = ", ".join(map(str, paths)) or "no file given"
            why = f"; {left_out[0]}" if left_out else ""
            raise UserError(f"{named}: no text of task {self.name}{why}")
        report = ReadReport(left_out=tuple(left_out), untrained=tuple(untrained))
        return Examples(examples, report)

    def trained(self, example: TextExample, *, writes: bool) -> TextExample | None:
        """Return it with the targets that are not empty."""
        targets = tuple(each for each in example.targets if each.strip())
        if not (example.inputs.strip() and targets):
            return None
        return example if targets == example.targets else replace(example, targets=targets)

    def to_text(self, example: TextExample) -> TextExample:
        return TextExample(example.id, self.prefix + example.inputs, example.targets)

    def from_text(self, example: TextExample, text: str) -> str:
        return text.strip()

    def golds(self, examples: DataSource[TextExample]) -> dict[str, Sequence[str]]:
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


def _summarization(name: str, summary: str, reader: TemplateReader, files: TaskFiles) -> TextTask:
    return TextTask(
        name=name,
        summary=summary,
        prefix="summarize: ",
        reader=reader,
        metric_names=("rouge1", "rouge2", "rougeL", "rougeLsum"),
        main_metric="rougeL",
        files=files,
    )


# Hermann et al. 2015, See et al. 2017: one summary of several sentences for each article.
CNN_DAILYMAIL = _summarization(
    "cnn_dailymail",
    "CNN/Daily Mail: write the highlights of a news article",
    TemplateReader(Template("{article}"), ("highlights",)),
    TaskFiles(
        "cnn_dailymail",
        {"train": ("train.csv",), "validation": ("validation.csv",), "test": ("test.csv",)},
        ("abisee/cnn_dailymail", "3.0.0"),
    ),
)

# Cachola et al. 2020: a summary of one sentence for each abstract, several in dev and test.
SCITLDR = _summarization(
    "scitldr",
    "SciTLDR: say a scientific abstract in one sentence",
    TemplateReader(Template("{source}"), ("target",)),
    TaskFiles(
        "scitldr_a",
        {"train": ("train.jsonl",), "validation": ("dev.jsonl",), "test": ("test.jsonl",)},
        ("allenai/scitldr", "Abstract"),
    ),
)
