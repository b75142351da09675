"""Study `data`: how much text does pre-training need, and may it be read again and again?

Raffel et al. 2020, section 3.4.2 and table 9: the same number of steps over the first N tokens of
the corpus, so that fewer tokens are repeated more often. Up to 64 readings cost hardly anything; a
thousand do: the model learns the text by heart.
"""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from headwater.corpus.store import VOCABULARY, StoreWriter, TokenStore
from headwater.errors import UserError
from headwater.files import replacing_folder
from headwater.studies import full, quick
from headwater.studies.study import T5_COLUMNS, Cell, Claim, Place, Published, Study

QUICK_TASKS = {"kind": 50, "either": 100}
QUICK_SIZES, QUICK_STEPS = (160_000, 16_000, 4_000, 1_000), 1200
FULL_SIZES = (16_000_000, 320_000, 80_000, 20_000)
"""The tokens that are read; a step reads 2,048 with the quick budget, 4,096 with the full."""


def prepare(place: Place) -> None:
    """Cut the store of the running text to each size."""
    quick.prepare(place)
    where = place.folder / "data" / "tokens-store"
    if place.budget == "full":
        where = Path(full.store(place, "sentinels"))
    whole = TokenStore.open(where)
    if place.budget == "full" and len(whole.tokens) < FULL_SIZES[0]:
        raise UserError(
            f"{where}: holds {len(whole.tokens):,} tokens; study data reads {FULL_SIZES[0]:,}"
        )
    for size in _sizes(place):
        folder = place.folder / "stores" / str(size)
        if not folder.exists():
            truncate(whole, size, folder)


def truncate(store: TokenStore, tokens: int, folder: Path) -> None:
    """Make a store of the first tokens of another (of all, where there are no more)."""
    vocabulary = store.load_vocabulary()
    with replacing_folder(folder) as temporary:
        vocabulary.save(temporary / VOCABULARY)
        with closing(StoreWriter(temporary, vocabulary)) as writer:
            for number in range(len(store)):
                begin, end = store.documents[number], store.documents[number + 1]
                end = min(int(end), tokens)
                if begin >= end:
                    break
                inside = (store.sentences > begin) & (store.sentences <= end)
                ends = store.sentences[inside] - begin
                writer.add(store.document(number)[: end - begin], ends, last=True)
            writer.finish(store.info.sources, 0, 0)


def cells(place: Place) -> list[Cell]:
    """Each size of the text on each task, three seeds."""
    found = []
    for seed in place.seeds:
        for size in _sizes(place):
            corpus = {"train": str(place.folder / "stores" / str(size))}
            one = _quick if place.budget == "quick" else _full
            found += one(place, _setting(size), f"{size}", corpus, seed)
    return found


def _quick(place: Place, setting: str, name: str, corpus: dict[str, str], seed: int) -> list[Cell]:
    training = {"steps": QUICK_STEPS}
    body = quick.body(place, "bert", seed, f"body-{name}", corpus=corpus, training=training)
    return quick.tests(place, setting, name, body, seed, QUICK_TASKS, {})


def _full(place: Place, setting: str, name: str, corpus: dict[str, str], seed: int) -> list[Cell]:
    changes = {"objective": "span_corruption", "span_corruption": {"inputs": 128}}
    changes |= {"corpus": corpus}
    body = full.pretrained(place, f"body-{name}", "t5", seed, changes)
    return full.tests(place, setting, name, body, seed)


def _sizes(place: Place) -> tuple[int, ...]:
    return QUICK_SIZES if place.budget == "quick" else FULL_SIZES


def _setting(size: int) -> str:
    return f"{size:,} tokens"


def _claims(sizes: Sequence[int]) -> list[Claim]:
    names = [_setting(size) for size in sizes]
    return [
        Claim("all the text beats the least of it", names[0], names[-1]),
        Claim("all the text beats the second least", names[0], names[-2]),
        Claim("more text beats the least, both read many times", names[1], names[-1]),
    ]


DATA = Study(
    name="data",
    asks="how much text does pre-training need, and may it be read again and again?",
    setup={
        "quick": "A BERT of two layers, 64 wide, is pre-trained for 1,200 steps of 2,048 tokens on "
        "the first tokens of a made-up language's text (docs/studies.md), one body for each seed: "
        "these are read 15, 154, 614 and 2,458 times, under new masks each time. It learns two "
        "tasks in 200 steps of 16 examples: the kind of a noun (50 labelled examples; guessing "
        "gives 25) and whether one of two nouns is an animal (100; 50). Accuracy in percent on 600 "
        "test examples. The paper uses a T5.",
        "full": "A T5 of the sizes of the one given by --model is pre-trained for 5,000 steps of "
        "4,096 tokens on the first tokens of DIR/text/sentinels: these are read 1, 64, 256 and "
        "1,024 times. It learns SST-2, MRPC and RTE in 1,000 steps of 32 examples each. Scores are "
        "on the official dev sets.",
    },
    prepare=prepare,
    cells=cells,
    claims={
        "quick": _claims(QUICK_SIZES),
        "full": _claims(FULL_SIZES),
    },
    published=(
        Published(
            "Raffel et al. 2020, table 9: the same training on fewer tokens.",
            T5_COLUMNS[:-1],
            {
                "all, read once at most": (83.28, 19.24, 80.88, 71.36, 26.98, 39.82),
                "2^29 tokens, read 64 times": (82.87, 19.19, 80.97, 72.03, 26.83, 39.74),
                "2^27, 256 times": (82.62, 19.20, 79.78, 69.97, 27.02, 39.71),
                "2^25, 1,024 times": (79.55, 18.57, 76.27, 64.76, 26.38, 39.56),
                "2^23, 4,096 times": (76.34, 18.33, 70.92, 59.29, 26.37, 38.84),
            },
        ),
    ),
)
