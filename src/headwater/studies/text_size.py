"""Study `data`: how much text does pre-training need, and may it be repeated?

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
from headwater.studies.study import Claim, Study, StudyContext, Trial

QUICK_TASKS = {"kind": 50, "either": 100}
QUICK_SIZES, QUICK_STEPS = (160_000, 16_000, 4_000, 1_000), 1200
FULL_SIZES = (16_000_000, 320_000, 80_000, 20_000)
"""The tokens that are read; a step reads 2,048 with the quick budget, 4,096 with the full."""


def prepare(context: StudyContext) -> None:
    """Cut the store of the running text to each size."""
    source = context.folder / "data" / "tokens-store"
    if context.budget == "full":
        source = Path(full.store(context, "sentinels"))
    whole = TokenStore.open(source)
    if context.budget == "full" and len(whole.tokens) < FULL_SIZES[0]:
        raise UserError(
            f"{source}: holds {len(whole.tokens):,} tokens; study data reads {FULL_SIZES[0]:,}"
        )
    for size in QUICK_SIZES if context.budget == "quick" else FULL_SIZES:
        folder = _store(context, size)
        if not folder.exists():
            truncate(whole, size, folder)


def truncate(store: TokenStore, tokens: int, folder: Path) -> None:
    """Make a store of the first tokens of another (of all, where there are no more)."""
    vocabulary = store.load_vocabulary()
    with replacing_folder(folder) as temporary:
        vocabulary.save(temporary / VOCABULARY)
        with closing(StoreWriter(temporary, vocabulary)) as writer:
            for index in range(len(store)):
                start, end = store.documents[index], store.documents[index + 1]
                end = min(int(end), tokens)
                if start >= end:
                    break
                inside = (store.sentences > start) & (store.sentences <= end)
                ends = store.sentences[inside] - start
                writer.add(store.document(index)[: end - start], ends, last=True)
            writer.finish(store.info.sources, 0, 0)


def quick_trials(context: StudyContext, seed: int) -> list[Trial]:
    """A tiny BERT from each size of the text, on each task of the made-up language."""
    trials = []
    for size in QUICK_SIZES:
        body = quick.pretrained(
            context, "bert", seed, f"body-{size}",
            corpus={"train": str(_store(context, size))}, training={"steps": QUICK_STEPS},
        )  # fmt: skip
        trials += quick.trials(context, _setting(size), f"{size}", body, seed, QUICK_TASKS, {})
    return trials


def full_trials(context: StudyContext, seed: int) -> list[Trial]:
    """A T5 of the given one's sizes from each size of the text."""
    trials = []
    for size in FULL_SIZES:
        changes = {"objective": "span_corruption", "span_corruption": {"inputs": 128},
                   "corpus": {"train": str(_store(context, size))}}  # fmt: skip
        body = full.pretrained(context, f"body-{size}", "t5", seed, changes)
        trials += full.trials(context, _setting(size), f"{size}", body, seed)
    return trials


def _store(context: StudyContext, size: int) -> Path:
    return context.folder / "stores" / str(size)


def _setting(size: int) -> str:
    return f"{size:,} tokens"


def _claims(sizes: Sequence[int]) -> tuple[Claim, ...]:
    names = [_setting(size) for size in sizes]
    return (
        Claim("all the text beats the least of it", names[0], names[-1]),
        Claim("all the text beats the second least", names[0], names[-2]),
        Claim("more text beats the least, both read many times", names[1], names[-1]),
    )


DATA = Study(
    "data",
    quick_trials,
    full_trials,
    {"quick": _claims(QUICK_SIZES), "full": _claims(FULL_SIZES)},
    prepare=prepare,
)
