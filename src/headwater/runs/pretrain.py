"""One pre-training run from a recipe to a model: the pieces, put together.

    recipe -> token stores -> objective (fresh noise every epoch) -> Trainer -> run folder

The objective asks for a family: masked language modeling trains an encoder, language modeling a
decoder, span corruption an encoder-decoder. A run folder is a model: `finetune --model` takes it.
"""

from dataclasses import replace
from pathlib import Path

import torch

from headwater.corpus.store import TokenStore
from headwater.data.convert import FeatureSet
from headwater.errors import UserError, with_article
from headwater.evaluation.held_out import held_out_loss
from headwater.files import replace_file
from headwater.models.build import Model
from headwater.models.head_names import HeadName
from headwater.runs.objective_features import (
    check_objective,
    families_of,
    open_store,
    store_rows,
    training_rows,
)
from headwater.runs.recipe import PretrainRecipe, best_is_lowest, resolved
from headwater.runs.setup import Setup, recipe_family, start
from headwater.training.memory import training_line
from headwater.training.progress import choose_progress
from headwater.training.run_folder import check_run_folder
from headwater.training.trainer import Evaluate, Outcome, Trainer


def pretrain(recipe: PretrainRecipe, folder: Path, *, resume: bool = False) -> Outcome:
    """Run a recipe in a run folder.

    The folder gets `config.toml` (the resolved recipe), `log.jsonl`, `curves.png`, `state/` for
    resume and `model/`.

    Raises:
        UserError: the recipe, its stores or its model are wrong, or the folder holds another run.
    """
    check_run_folder(folder, resume=resume)
    progress = choose_progress()
    recipe, stores, setup, rows = begin(recipe)
    if setup.new_parameters:
        progress.say(f"new, drawn at random: {', '.join(setup.new_parameters)}")
    progress.say(training_line(setup.model, recipe.method, recipe.training))
    measured = _validation(recipe, setup)
    tokens = sum(store.info.tokens for store in stores)
    progress.say(f"train on {len(rows):,} rows of {tokens:,} tokens")
    trainer = Trainer(
        setup.model,
        rows,
        recipe.training,
        folder,
        pad_id=setup.pad_id,
        evaluate=_measure(recipe, measured, setup.pad_id),
        save_model=lambda target: setup.save(target, {"objective": recipe.objective}),
        identity=_identity(recipe, setup, measured),
        progress=progress,
        elsewhere=setup.elsewhere(setup.model),
        before_step=setup.method.before_step,
        on_begin=lambda: replace_file(folder / "config.toml", recipe.to_toml()),
    )
    return trainer.run(resume=resume)


def begin(
    recipe: PretrainRecipe,
) -> tuple[PretrainRecipe, list[TokenStore], Setup, FeatureSet]:
    """Return the resolved recipe, its stores, what it starts from, and the rows it trains on.

    Raises:
        UserError: the recipe, its stores or its model are wrong.
    """
    recipe = _resolved(recipe)
    stores = [open_store(name) for name in recipe.corpus.train]
    torch.manual_seed(recipe.training.seed)
    setup = start(recipe, _head(recipe), stores[0].load_vocabulary())
    check_objective(recipe, setup.config)
    _note_window(recipe, setup.model)
    return (
        recipe,
        stores,
        setup,
        training_rows(recipe, stores, setup.vocabulary, setup.family, recipe.training.seed),
    )


def _resolved(recipe: PretrainRecipe) -> PretrainRecipe:
    family = recipe_family(recipe)
    if recipe.objective not in family.objectives:
        wanted = " or ".join(map(with_article, families_of(recipe.objective)))
        raise UserError(
            f"objective {recipe.objective!r} trains {wanted}, this is {with_article(family.name)}; "
            f"its objectives are {', '.join(family.objectives)}"
        )
    return resolved(best_is_lowest(recipe), family)  # all that is measured is a loss


def _head(recipe: PretrainRecipe) -> HeadName | None:
    if recipe.objective != "mlm":
        return None
    return "pretraining" if recipe.mlm.next_sentence else "masked_lm"


def _note_window(recipe: PretrainRecipe, model: Model) -> None:
    """Let a CBOW's config say which window it is trained on: looking into it needs to know."""
    if recipe.network is not None and "window" in recipe.network.sizes:
        raise UserError("network.sizes.window: no size of the network; set cbow.window")
    if recipe.objective == "cbow":
        model.body.config = replace(model.config, window=recipe.cbow.window)


def _validation(recipe: PretrainRecipe, setup: Setup) -> FeatureSet | None:
    if recipe.corpus.validation is None:
        return None
    store = open_store(recipe.corpus.validation)
    return store_rows(recipe, store, setup.vocabulary, setup.family, recipe.training.seed)


def _measure(recipe: PretrainRecipe, rows: FeatureSet | None, pad_id: int) -> Evaluate | None:
    """Return what measures the held-out loss of a model, where there is held-out text."""
    if rows is None:
        return None
    return lambda model: held_out_loss(model, rows, recipe.corpus.validation_rows, pad_id)


def _identity(recipe: PretrainRecipe, setup: Setup, measured: FeatureSet | None) -> dict[str, str]:
    """What a resumed run must have in common with its beginning, beside rows and training."""
    values = recipe.model_dump(exclude={"training", "corpus"})
    shape = {f"recipe.{key}": repr(value) for key, value in values.items()}
    shape |= setup.identity
    if measured is None:
        return shape | {"validation": "none"}
    rows = {"validation_rows": repr(recipe.corpus.validation_rows)}
    return shape | rows | {"validation": measured.fingerprint}
