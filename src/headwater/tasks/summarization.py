"""Summarization, as T5 says it (Raffel et al. 2020, section 2.4): `summarize: ` and the article.

CNN/Daily Mail (Hermann et al. 2015, See et al. 2017) has one summary of several sentences for each
article; SciTLDR (Cachola et al. 2020) a summary of one sentence for each abstract, several of them
in dev and test.

Scores are the F-measures of ROUGE (Lin 2004) as the rouge-score package has them, without stemming:
the mean over the examples of the best over an example's summaries. For `rougeLsum` a sentence ends,
as in T5's published code, at a line break or at a period between two spaces.
"""

from headwater.data.official_files import TaskFiles
from headwater.tasks.template import Template, TemplateReader
from headwater.tasks.writing import TextTask

ROUGE = ("rouge1", "rouge2", "rougeL", "rougeLsum")


CNN_DAILYMAIL = TextTask(
    name="cnn_dailymail",
    summary="CNN/Daily Mail: write the highlights of a news article",
    prefix="summarize: ",
    reader=TemplateReader(Template("{article}"), "highlights"),
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
    reader=TemplateReader(Template("{source}"), "target"),
    metric_names=ROUGE,
    main_metric="rougeL",
    files=TaskFiles(
        "scitldr_a",
        {"train": ("train.jsonl",), "validation": ("dev.jsonl",), "test": ("test.jsonl",)},
        ("allenai/scitldr", "Abstract"),
    ),
)

SUMMARIZATION = (CNN_DAILYMAIL, SCITLDR)
