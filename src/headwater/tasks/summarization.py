"""Summarization, as T5 says it (Raffel et al. 2020, section 2.4): `summarize: ` and the article.

CNN/Daily Mail (Hermann et al. 2015, See et al. 2017) has one summary of several sentences for each
article; SciTLDR (Cachola et al. 2020) a summary of one sentence for each abstract, several of them
in dev and test.

Scores are the F-measures of ROUGE (Lin 2004) as the rouge-score package has them, without stemming:
the mean over the examples of the best over an example's summaries. For `rougeLsum` a sentence ends,
as in T5's published code, at a line break or at a period between two spaces.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from headwater.data.official_files import TaskFiles
from headwater.data.parallel_files import Text
from headwater.data.table_file import read_rows
from headwater.tasks.writing import TextTask

ROUGE = ("rouge1", "rouge2", "rougeL", "rougeLsum")


@final
@dataclass(frozen=True, slots=True)
class TextColumns:
    """Reads a table by the names of two columns, in which a list is several sentences or answers.

    The sentences of a source are joined by spaces; of the targets each may be written.
    """

    source: str
    target: str

    def __call__(self, path: Path, *, answered: bool) -> Iterator[Text]:
        """Yield the rows."""
        for row in read_rows(path):
            targets = row.texts(self.target) if answered else ()
            yield Text(row.where, " ".join(row.texts(self.source)), targets)


CNN_DAILYMAIL = TextTask(
    name="cnn_dailymail",
    summary="CNN/Daily Mail: write the highlights of a news article",
    prefix="summarize: ",
    reader=TextColumns("article", "highlights"),
    metric_names=ROUGE,
    main_metric="rougeL",
    files=TaskFiles(
        "cnn_dailymail",
        {"train": ("train.csv",), "validation": ("validation.csv",), "test": ("test.csv",)},
        ("abisee/cnn_dailymail", "3.0.0"),
    ),
)

SCITLDR = TextTask(
    name="scitldr",
    summary="SciTLDR: say a scientific abstract in one sentence",
    prefix="summarize: ",
    reader=TextColumns("source", "target"),
    metric_names=ROUGE,
    main_metric="rougeL",
    files=TaskFiles(
        "scitldr_a",
        {"train": ("train.jsonl",), "validation": ("dev.jsonl",), "test": ("test.jsonl",)},
        ("allenai/scitldr", "Abstract"),
    ),
)

SUMMARIZATION = (CNN_DAILYMAIL, SCITLDR)
