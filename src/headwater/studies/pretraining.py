"""Studies `architectures`, `objectives` and `data`: which pre-training makes the best body?

Each setting pre-trains one body, which is then fine-tuned on the same tasks.

`architectures` (Raffel et al. 2020, section 3.2 and table 2): P are the parameters of one stack, M
is the cost of a stack of inputs and one of targets. The objective is denoising (span corruption
here) or language modeling: a random prefix is read and the rest is predicted. The language model,
which has no prefix, predicts all of it.

    encoder-decoder          2P    M        shared: P, M        half as deep: P, M/2
    language model, prefix    P    M

`objectives` (section 3.3 and figure 5): language modeling, BERT-style or deshuffling (table 4); how
much is corrupted (table 6); how long the spans are (table 7).

`data` (section 3.4.2 and table 9): the same number of steps over the first N tokens of the corpus,
so that fewer tokens are repeated more often.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from headwater.corpus.store import VOCABULARY, StoreWriter, TokenStore
from headwater.errors import UserError
from headwater.files import replacing_folder
from headwater.studies import full, quick
from headwater.studies.study import Claim, Study, StudyContext, Trial, slug


@dataclass(frozen=True, slots=True)
class PretrainedBody:
    """The body of a setting; `name`: of its runs; `changes`: keys of its recipe."""

    setting: str
    name: str
    changes: dict[str, Any]
    sizes: dict[str, Any] = field(default_factory=dict)


Bodies = Callable[[StudyContext], list[PretrainedBody]]


def _quick_trials(
    bodies: Bodies,
    tasks: Mapping[str, int],
    context: StudyContext,
    seed: int,
    *,
    family: str = "t5",
    prefix: str = "t5",
    training: Mapping[str, Any] = quick.T5_TRAINING,
) -> list[Trial]:
    """A tiny body for each setting, on some examples of each task of the made-up language."""
    trials = []
    for body in bodies(context):
        name, network = f"{prefix}-{body.name}", {"sizes": body.sizes}
        run = quick.pretrained(context, family, seed, name, network=network, **body.changes)
        trials += quick.trials(context, body.setting, body.name, run, seed, tasks, training)
    return trials


def _full_trials(
    bodies: Bodies, context: StudyContext, seed: int, *, prefix: str = "t5"
) -> list[Trial]:
    """A T5 of the given one's sizes for each setting, on `full.TESTS`."""
    trials = []
    for body in bodies(context):
        name = f"{prefix}-{body.name}"
        run = full.pretrained(context, name, "t5", seed, body.changes, body.sizes)
        trials += full.trials(context, body.setting, body.name, run, seed)
    return trials


TWO, SHARED, HALF = "encoder-decoder (2P, M)", "shared (P, M)", "half as deep (P, M/2)"
MODEL, PREFIX = "language model (P, M)", "prefix LM (P, M)"
NAMES: Mapping[str, dict[str, Any]] = {
    TWO: {},
    SHARED: {"architecture": "shared"},
    HALF: {"half": True},
    MODEL: {"architecture": "language_model"},
    PREFIX: {"architecture": "prefix_lm"},
}


def _quick_architectures(context: StudyContext) -> list[PretrainedBody]:
    return _architectures(2, {"lm": {"length": 32}, "training": {"steps": 400}})


def _full_architectures(context: StudyContext) -> list[PretrainedBody]:
    depth = full.depth(full.model(context, "t5"))
    return _architectures(depth, {"lm": {"length": 128}, "span_corruption": {"inputs": 128}})


def _architectures(depth: int, changes: dict[str, Any]) -> list[PretrainedBody]:
    bodies = []
    for name in NAMES:
        sizes = dict(NAMES[name])
        layers = max(1, depth // 2) if sizes.pop("half", False) else depth
        sizes |= {"num_layers": layers, "num_decoder_layers": layers}
        language_modeling = "lm" if name == MODEL else "prefix_lm"
        for label, objective in (("denoising", "span_corruption"), ("LM", language_modeling)):
            run = slug(f"{name.partition(' (')[0]}, {label}")
            recipe = {"objective": objective, **changes}
            bodies.append(PretrainedBody(f"{name}, {label}", run, recipe, sizes))
    return bodies


_ARCHITECTURE_CLAIMS = (
    Claim("the encoder-decoder beats the prefix LM at equal cost (denoising)",
          f"{TWO}, denoising", f"{PREFIX}, denoising"),
    Claim("a shared encoder-decoder beats the prefix LM at equal parameters and cost (denoising)",
          f"{SHARED}, denoising", f"{PREFIX}, denoising"),
    Claim("the prefix LM beats the language model at equal parameters and cost (denoising)",
          f"{PREFIX}, denoising", f"{MODEL}, denoising"),
    Claim("half the depth beats the language model at equal parameters (denoising)",
          f"{HALF}, denoising", f"{MODEL}, denoising"),
    Claim("two stacks beat one shared at equal cost (denoising)",
          f"{TWO}, denoising", f"{SHARED}, denoising"),
    Claim("sharing beats halving the depth at equal parameters (denoising)",
          f"{SHARED}, denoising", f"{HALF}, denoising"),
    Claim("denoising beats LM (encoder-decoder)", f"{TWO}, denoising", f"{TWO}, LM"),
    Claim("denoising beats LM (prefix LM)", f"{PREFIX}, denoising", f"{PREFIX}, LM"),
)  # fmt: skip

ARCHITECTURES = Study(
    "architectures",
    partial(_quick_trials, _quick_architectures, {"kind": 200, "either": 100}),
    partial(_full_trials, _full_architectures),
    {"quick": _ARCHITECTURE_CLAIMS, "full": _ARCHITECTURE_CLAIMS},
)

SPANS, BERT, DESHUFFLING, LM = "spans of 3, 15%", "BERT-style", "deshuffling", "prefix LM"
LITTLE, MUCH, LONG = "spans of 3, 10%", "spans of 3, 50%", "spans of 10, 15%"
CORRUPTIONS: Mapping[str, dict[str, Any]] = {
    SPANS: {},
    BERT: {"variant": "bert_style"},
    DESHUFFLING: {"variant": "deshuffling"},
    LM: {},
    LITTLE: {"noise_density": 0.1},
    MUCH: {"noise_density": 0.5},
    LONG: {"mean_span": 10.0},
}


def _objectives(length: int, changes: dict[str, Any], _: StudyContext) -> list[PretrainedBody]:
    bodies = []
    for setting, table in CORRUPTIONS.items():
        recipe = {"objective": "span_corruption", "span_corruption": {"inputs": length} | table}
        if setting == LM:
            recipe = {"objective": "prefix_lm", "lm": {"length": length}}
        bodies.append(PretrainedBody(setting, slug(setting), recipe | changes))
    return bodies


_OBJECTIVE_CLAIMS = (
    Claim("BERT-style denoising beats deshuffling", BERT, DESHUFFLING),
    Claim("BERT-style denoising beats prefix language modeling", BERT, LM),
    Claim("prefix language modeling beats deshuffling", LM, DESHUFFLING),
    Claim("spans beat BERT-style denoising", SPANS, BERT),
    Claim("15% corrupted beats 50%", SPANS, MUCH),
    Claim("15% corrupted beats 10%", SPANS, LITTLE),
    Claim("spans of 3 beat spans of 10", SPANS, LONG),
)

OBJECTIVES = Study(
    "objectives",
    partial(
        _quick_trials,
        partial(_objectives, 32, {"training": {"steps": 500}}),
        {"kind": 200, "either": 100},
    ),
    partial(_full_trials, partial(_objectives, 128, {})),
    {"quick": _OBJECTIVE_CLAIMS, "full": _OBJECTIVE_CLAIMS},
)

QUICK_SIZES = (160_000, 16_000, 4_000, 1_000)
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


def _of_sizes(
    sizes: Sequence[int], changes: dict[str, Any], context: StudyContext
) -> list[PretrainedBody]:
    return [
        PretrainedBody(
            _size_setting(size),
            str(size),
            {"corpus": {"train": str(_store(context, size))}, **changes},
        )
        for size in sizes
    ]


def _store(context: StudyContext, size: int) -> Path:
    return context.folder / "stores" / str(size)


def _size_setting(size: int) -> str:
    return f"{size:,} tokens"


def _data_claims(sizes: Sequence[int]) -> tuple[Claim, ...]:
    names = [_size_setting(size) for size in sizes]
    return (
        Claim("all the text beats the least of it", names[0], names[-1]),
        Claim("all the text beats the second least", names[0], names[-2]),
        Claim("more text beats the least, both read many times", names[1], names[-1]),
    )


_SPANS_OF_128 = {"objective": "span_corruption", "span_corruption": {"inputs": 128}}

DATA = Study(
    "data",
    partial(
        _quick_trials,
        partial(_of_sizes, QUICK_SIZES, {"training": {"steps": 1200}}),
        {"kind": 50, "either": 100},
        family="bert",
        prefix="body",
        training={},
    ),
    partial(_full_trials, partial(_of_sizes, FULL_SIZES, _SPANS_OF_128), prefix="body"),
    {"quick": _data_claims(QUICK_SIZES), "full": _data_claims(FULL_SIZES)},
    prepare=prepare,
)
