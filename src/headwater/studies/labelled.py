"""Study `labelled`: can labelled data of another task take the place of raw text?

Sentiment first, then question answering, beside unlabelled pre-training, both and neither. Labelled
pre-training is what computer vision does; for language Raffel et al. 2020 (section 3.5.3, table 12)
find it behind the unlabelled kind, and Phang et al. 2018 find that it can help after that.
"""

from typing import Any

from headwater.studies import full, quick
from headwater.studies.study import T5_COLUMNS, Cell, Claim, Place, Published, Run, Study, slug

QUICK_SIZES = (10, 25, 100)
FULL_SIZES = (1000, 10000)
NOTHING, SENTIMENT = "random start", "sentiment first"
TEXT, BOTH = "unlabelled text first", "unlabelled text, then sentiment"


def cells(place: Place) -> list[Cell]:
    """Each beginning with each number of labelled questions, three seeds."""
    one = _quick if place.budget == "quick" else _full
    return [cell for seed in place.seeds for cell in one(place, seed)]


def _quick(place: Place, seed: int) -> list[Cell]:
    body = quick.body(place, "bert", seed)
    random = quick.random_start(place, "bert")
    long = {"steps": 300, "eval_steps": 100}
    moods = {
        name: quick.adapted(place, f"mood-{name}", "mood", seed, start, most=4000, training=long,
                            **begin)
        for name, start, begin in (("random", None, random), ("text", body, {}))
    }  # fmt: skip
    starts: dict[str, tuple[Run | None, dict[str, Any]]] = {
        NOTHING: (None, random),
        SENTIMENT: (moods["random"], {}),
        TEXT: (body, {}),
        BOTH: (moods["text"], {}),
    }
    found = []
    for setting, (start, begin) in starts.items():
        for size in QUICK_SIZES:
            name = f"find-{slug(setting)}-{size}"
            training = {"steps": 300, "eval_steps": 50}
            run = quick.adapted(place, name, "find", seed, start, most=size, training=training,
                                **begin)  # fmt: skip
            found.append(Cell(setting, f"{size:,}", seed, run, quick.measure(place, "find")))
    return found


def _full(place: Place, seed: int) -> list[Cell]:
    body = full.model(place, "bert")
    sentiment, questions = full.task(place, "sst2"), full.task(place, "squad")
    random, given = full.random_like(body), {"model": body}
    own = {"steps": 2000, "eval_steps": 500, "learning_rate": full.rate(place, body)}
    moods = {
        name: full.adapted(place, f"sst2-{name}", sentiment, seed, training=own, **begin)
        for name, begin in (("random", random), ("text", given))
    }
    starts: dict[str, tuple[Run | None, dict[str, Any]]] = {
        NOTHING: (None, random),
        SENTIMENT: (moods["random"], {}),
        TEXT: (None, given),
        BOTH: (moods["text"], {}),
    }
    found = []
    for setting, (start, begin) in starts.items():
        for size in FULL_SIZES:
            name = f"squad-{slug(setting)}-{size}"
            run = full.adapted(
                place, name, questions, seed, most=size, start=start, training=own, **begin
            )
            found.append(Cell(setting, f"{size:,}", seed, run, questions.measure))
    return found


_CLAIMS = (
    Claim("unlabelled text beats sentiment as what comes first", TEXT, SENTIMENT),
    Claim("sentiment first beats a random start", SENTIMENT, NOTHING),
    Claim("sentiment after unlabelled text beats the text alone", BOTH, TEXT),
)

LABELLED = Study(
    name="labelled",
    across="labelled questions",
    asks="can labelled data of another task take the place of raw text?",
    setup={
        "quick": "A BERT of two layers, 64 wide, learns to answer where the one animal among three "
        "nouns stands (a span; one body and one draw of examples for each seed, docs/studies.md), "
        "in 300 steps of 16 examples, after nothing, after 300 steps of a sentiment task (4,000 "
        "labelled sentences), after 1,000 steps of masked language modeling, or after both. "
        "Columns: how many labelled questions. Exact match in percent on 600 test questions; "
        "guessing one of the nouns gives 33.",
        "full": "The BERT given by --model, or a network of its sizes from random weights, learns "
        "SQuAD v1.1 in 2,000 steps of 32 examples, after SST-2 (2,000 steps) or not. Columns: how "
        "many labelled questions. F1 in percent on the official dev set.",
    },
    prepare=quick.prepare,
    cells=cells,
    claims={"quick": _CLAIMS, "full": _CLAIMS},
    published=(
        Published(
            "Raffel et al. 2020, table 12: pre-training on a mixture of labelled tasks alone, "
            "beside the unlabelled kind; both are then fine-tuned.",
            T5_COLUMNS,
            {
                "unlabelled": (83.28, 19.24, 80.88, 71.36, 26.98, 39.82, 27.65),
                "labelled tasks": (79.93, 18.96, 77.38, 65.36, 26.81, 40.13, 28.04),
            },
        ),
        Published(
            "Phang et al. 2018 (STILTs): a labelled task between pre-training and the target task "
            "can help, most of all where the target has few examples."
        ),
    ),
)
