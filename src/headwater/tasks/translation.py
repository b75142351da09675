"""Translation from English, as T5 says it (Raffel et al. 2020, section 2.4 and appendix D)."""

from functools import partial

from headwater.data.official_files import TaskFiles
from headwater.data.parallel_files import read_parallel
from headwater.tasks.writing import TextTask


def _from_english(target: str, language: str, year: int, validation: str, test: str) -> TextTask:
    return TextTask(
        name=f"translate_en_{target}",
        summary=f"Translate English to {language}, as WMT {year}",
        prefix=f"translate English to {language}: ",
        reader=partial(read_parallel, source="en", target=target),
        metric_names=("bleu", "bleu_intl"),
        files=TaskFiles(
            f"wmt{year}_en_{target}",
            {"train": ("train.en",), "validation": (validation,), "test": (test,)},
            (f"wmt/wmt{year % 100}", f"{target}-en"),
        ),
    )


TRANSLATE_EN_DE = _from_english("de", "German", 2014, "newstest2013.en", "newstest2014.en")

TRANSLATE_EN_FR = _from_english("fr", "French", 2014, "newstest2013.en", "newstest2014.en")

TRANSLATE_EN_RO = _from_english("ro", "Romanian", 2016, "newsdev2016.en", "newstest2016.en")
