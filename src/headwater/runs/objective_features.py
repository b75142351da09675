"""Rows to learn from without labels: an objective over token stores, for one family of models.

    token stores -> objective (fresh noise every epoch) -> rows of features

Pre-training takes its rows from here, and so does a mixture that holds an objective beside tasks.
"""

from collections.abc import Sequence
from pathlib import Path

from headwater.corpus.store import TokenStore
from headwater.data.convert import FeatureSet
from headwater.errors import UserError
from headwater.models.config import ModelConfig
from headwater.models.families import FAMILIES, AnyFamily, family_of, sizes_of
from headwater.objectives.cbow import WordWindows
from headwater.objectives.concatenated import ConcatenatedStores, store_seed
from headwater.objectives.lm import LanguageModel
from headwater.objectives.mlm import MaskedLM
from headwater.objectives.span_corruption import SpanCorruption
from headwater.objectives.text_to_text import SplitText
from headwater.runs.recipe import ObjectiveConfig
from headwater.text.vocabulary import Vocabulary


def families_of(objective: str) -> list[str]:
    """Return the names of the families that an objective trains."""
    return [name for name, family in FAMILIES.items() if objective in family.objectives]


def check_objective(config: ObjectiveConfig, network: ModelConfig) -> None:
    """Refuse an objective that a network cannot be trained by, before anything is read."""
    family = family_of(network)
    family.refuse_objective(network, config.objective, config.span_corruption.packing)
    longest = sizes_of(network).longest_input
    if family.kind == "encoder":
        _check_length("mlm.max_length", config.mlm.max_length, longest)
    elif family.kind == "causal_lm":
        _check_length("lm.length", config.lm.length, longest)


def _check_length(key: str, length: int, longest: int) -> None:
    if length > longest:
        raise UserError(f"{key} = {length}: this model reads {longest} tokens; set {key}={longest}")


def open_store(name: str) -> TokenStore:
    """Open a store and compare its checksums: a flipped bit would train without a word."""
    store = TokenStore.open(Path(name).expanduser())
    store.verify()
    return store


def training_rows(
    config: ObjectiveConfig,
    stores: Sequence[TokenStore],
    vocabulary: Vocabulary,
    family: AnyFamily,
    seed: int,
) -> FeatureSet:
    """Build the rows of the stores that are trained on, each with noise of its own.

    Raises:
        UserError: see `store_rows`.
    """
    sets = [
        store_rows(config, store, vocabulary, family, store_seed(seed, place))
        for place, store in enumerate(stores)
    ]
    repeats = config.corpus.repeats or [1] * len(sets)
    return sets[0] if repeats == [1] else ConcatenatedStores(sets, repeats)


def store_rows(
    config: ObjectiveConfig,
    store: TokenStore,
    vocabulary: Vocabulary,
    family: AnyFamily,
    seed: int,
) -> FeatureSet:
    """Build the rows of a store.

    Args:
        vocabulary: the model's.
        family: the model's, one that learns the objective.

    Raises:
        UserError: the store was made with another vocabulary, or its vocabulary lacks what the
            objective needs.
    """
    if store.vocabulary_fingerprint != vocabulary.fingerprint:
        raise UserError(
            f"{store.folder}: built with another vocabulary than the model's; build it again with "
            "`headwater corpus build --vocabulary MODEL`"
        )
    if config.objective in ("bilm", "cbow") and not vocabulary.whole_words:
        raise UserError(
            f"{store.folder}: a store of tokens of words, and objective {config.objective!r} asks "
            "for whole ones; build it with a vocabulary of `headwater vocabulary train --kind word`"
        )
    try:
        match config.objective:
            case "cbow":
                return WordWindows(store, config.cbow)
            case "mlm":
                return MaskedLM(store, vocabulary, config.mlm, seed)
            case "span_corruption":
                return SpanCorruption(store, vocabulary, config.span_corruption, seed)
            case "lm" | "prefix_lm" if family.kind == "text_to_text":
                return SplitText(store, vocabulary, config.lm, seed, config.objective)
            case "bilm" | "lm" | "prefix_lm":
                return LanguageModel(store, vocabulary, config.lm, seed, config.objective)
    except UserError as error:
        raise UserError(f"{store.folder}: {error}") from None
