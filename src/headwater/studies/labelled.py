"""Study `labelled`: can labelled data of another task replace raw text?

Sentiment first, then question answering; unlabelled pre-training first; both; neither. Labelled
pre-training is what computer vision does; for language Raffel et al. 2020 (section 3.5.3, table 12)
find it behind the unlabelled kind, and Phang et al. 2018 find that it can help after that.
"""

from typing import Any

from headwater.studies import full, quick
from headwater.studies.study import Claim, GridRun, Study, StudyContext, Trial, slug

QUICK_SIZES = (10, 25, 100)
FULL_SIZES = (1000, 10000)
NOTHING, SENTIMENT = "random start", "sentiment first"
TEXT, BOTH = "unlabelled text first", "unlabelled text, then sentiment"
Start = tuple[GridRun | None, dict[str, Any]]
"""The run to begin from, or the keys of a recipe that replace it."""


def quick_trials(context: StudyContext, seed: int) -> list[Trial]:
    """Each start with each number of labelled questions on the made-up language."""
    body = quick.pretrained(context, "bert", seed)
    random = quick.random_weights(context, "bert")
    sentiment_training = {"steps": 300, "eval_steps": 100}
    sentiment = {
        name: quick.finetuned(context, f"mood-{name}", "mood", seed, start, examples=4000,
                              training=sentiment_training, **weights)
        for name, start, weights in (("random", None, random), ("text", body, {}))
    }  # fmt: skip
    trials = []
    for setting, (start, weights) in _starts((None, random), (body, {}), sentiment).items():
        for size in QUICK_SIZES:
            name = f"find-{slug(setting)}-{size}"
            training = {"steps": 300, "eval_steps": 50}
            run = quick.finetuned(context, name, "find", seed, start, examples=size,
                                  training=training, **weights)  # fmt: skip
            trials.append(quick.trial(context, setting, "find", seed, run, f"{size:,}"))
    return trials


def full_trials(context: StudyContext, seed: int) -> list[Trial]:
    """SQuAD after SST-2 or not, from the BERT given or from random weights of its sizes."""
    body = full.model(context, "bert")
    random, given = full.random_like(body), {"model": body}
    rate = full.learning_rate(context, body)
    training = {"steps": 2000, "eval_steps": 500, "learning_rate": rate}
    sst2, squad = full.task_files(context, "sst2"), full.task_files(context, "squad")
    sentiment = {
        name: full.finetuned(context, f"sst2-{name}", sst2, seed, training=training, **weights)
        for name, weights in (("random", random), ("text", given))
    }
    trials = []
    for setting, (start, weights) in _starts((None, random), (None, given), sentiment).items():
        for size in FULL_SIZES:
            name = f"squad-{slug(setting)}-{size}"
            run = full.finetuned(context, name, squad, seed, examples=size, start=start,
                                 training=training, **weights)  # fmt: skip
            trials.append(Trial(setting, f"{size:,}", seed, run, squad.measure))
    return trials


def _starts(random: Start, text: Start, sentiment: dict[str, GridRun]) -> dict[str, Start]:
    return {
        NOTHING: random,
        SENTIMENT: (sentiment["random"], {}),
        TEXT: text,
        BOTH: (sentiment["text"], {}),
    }


_CLAIMS = (
    Claim("unlabelled text beats sentiment as what comes first", TEXT, SENTIMENT),
    Claim("sentiment first beats a random start", SENTIMENT, NOTHING),
    Claim("sentiment after unlabelled text beats the text alone", BOTH, TEXT),
)

LABELLED = Study("labelled", quick_trials, full_trials, {"quick": _CLAIMS, "full": _CLAIMS})
