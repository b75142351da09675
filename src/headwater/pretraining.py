"""One pre-training run from a recipe to a model: the pieces, put together.

    recipe -> token store -> objective (fresh noise every epoch) -> Trainer -> run folder

The objective asks for a family: masked language modeling trains an encoder, language modeling a
decoder, span corruption an encoder-decoder. A run folder is a model: `finetune --model` takes it.
"""

from pathlib import Path

import torch

from headwater.checkpoints.folder import save_model
from headwater.corpus.store import TokenStore
from headwater.data.convert import FeatureSet
from headwater.errors import UserError
from headwater.evaluation.held_out import held_out_loss
from headwater.files import check_writable, replace_file
from headwater.models.build import HeadName
from headwater.objectives.lm import LanguageModel
from headwater.objectives.mlm import MaskedLM
from headwater.objectives.span_corruption import SpanCorruption
from headwater.recipe import ObjectiveName, PretrainRecipe, resolved
from headwater.starting import family_of, start
from headwater.text.vocabulary import Vocabulary
from headwater.training.config import Family
from headwater.training.progress import choose_progress
from headwater.training.trainer import Evaluate, Outcome, Trainer

FAMILIES: dict[ObjectiveName, Family] = {
    "mlm": "bert",
    "lm": "gpt",
    "prefix_lm": "gpt",
    "span_corruption": "t5",
}
"""The family of models that each objective trains."""


def pretrain(recipe: PretrainRecipe, folder: Path, *, resume: bool = False) -> Outcome:
    """Run a recipe in a run folder.

    The folder gets `config.toml` (the resolved recipe), `log.jsonl`, `curves.png`, `state/` for
    resume and `model/`.

    Raises:
        UserError: the recipe, its stores or its model are wrong, or the folder holds another run.
    """
    check_writable(folder)
    progress = choose_progress()
    recipe = _resolved(recipe)
    store = _open(recipe.corpus.train)
    torch.manual_seed(recipe.training.seed)
    begun = start(recipe, _head(recipe), store.load_vocabulary())
    rows = _objective(recipe, store, begun.vocabulary)
    if begun.new_parameters:
        progress.say(f"new, drawn at random: {', '.join(begun.new_parameters)}")
    measured = _validation(recipe, begun.vocabulary)
    progress.say(f"train on {len(rows):,} rows of {store.info.tokens:,} pieces")
    trainer = Trainer(
        begun.model,
        rows,
        recipe.training,
        folder,
        pad_id=begun.pad_id,
        evaluate=_measure(recipe, measured, begun.pad_id),
        save_model=lambda target: save_model(
            target, begun.model, vocabulary=begun.vocabulary, extra={"objective": recipe.objective}
        ),
        identity=_identity(recipe, begun.vocabulary, measured),
        progress=progress,
        on_begin=lambda: replace_file(folder / "config.toml", recipe.to_toml()),
    )
    return trainer.run(resume=resume)


def _resolved(recipe: PretrainRecipe) -> PretrainRecipe:
    family, wanted = family_of(recipe), FAMILIES[recipe.objective]
    if family != wanted:
        trained = [name for name, trains in FAMILIES.items() if trains == family]
        raise UserError(
            f"objective {recipe.objective!r} trains a {wanted}, this is a {family}; "
            f"its objectives are {', '.join(trained)}"
        )
    given = recipe.training.model_fields_set
    if "best_is" not in given and "best_metric" not in given:
        training = recipe.training.model_copy(update={"best_is": "lowest"})
        recipe = recipe.model_copy(update={"training": training})
    return resolved(recipe, family)


def _head(recipe: PretrainRecipe) -> HeadName | None:
    if FAMILIES[recipe.objective] != "bert":
        return None
    return "pretraining" if recipe.mlm.next_sentence else "masked_lm"


def _objective(recipe: PretrainRecipe, store: TokenStore, vocabulary: Vocabulary) -> FeatureSet:
    """Build the rows of a store.

    Raises:
        UserError: the store was made with another vocabulary, which also may lack what the
            objective needs.
    """
    if store.vocabulary_fingerprint != vocabulary.fingerprint:
        raise UserError(
            f"{store.folder}: built with another vocabulary than the model's; build it again with "
            "`headwater corpus build --vocabulary MODEL`"
        )
    seed = recipe.training.seed
    try:
        match recipe.objective:
            case "mlm":
                return MaskedLM(store, vocabulary, recipe.mlm, seed)
            case "span_corruption":
                return SpanCorruption(store, vocabulary, recipe.span_corruption, seed)
            case "lm" | "prefix_lm":
                return LanguageModel(store, vocabulary, recipe.lm, seed, recipe.objective)
    except UserError as error:
        raise UserError(f"{store.folder}: {error}") from None


def _open(name: str) -> TokenStore:
    """Open a store and compare its checksums: a flipped bit would train without a word."""
    store = TokenStore.open(Path(name).expanduser())
    store.verify()
    return store


def _validation(recipe: PretrainRecipe, vocabulary: Vocabulary) -> FeatureSet | None:
    if recipe.corpus.validation is None:
        return None
    store = _open(recipe.corpus.validation)
    return _objective(recipe, store, vocabulary)


def _measure(recipe: PretrainRecipe, rows: FeatureSet | None, pad_id: int) -> Evaluate | None:
    """Return what measures the held-out loss of a model, where there is held-out text."""
    if rows is None:
        return None
    return lambda model: held_out_loss(model, rows, recipe.corpus.validation_rows, pad_id)


def _identity(
    recipe: PretrainRecipe, vocabulary: Vocabulary, measured: FeatureSet | None
) -> dict[str, str]:
    """What a resumed run must have in common with its beginning, beside rows and training."""
    values = recipe.model_dump(exclude={"training", "corpus"})
    return {f"recipe.{key}": repr(value) for key, value in values.items()} | {
        "vocabulary": vocabulary.fingerprint,
        "validation": "none" if measured is None else measured.fingerprint,
    }
