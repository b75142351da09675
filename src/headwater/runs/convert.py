"""A saved state of a run becomes a model folder, without a GPU and in one process."""

import logging
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from headwater.errors import UserError, listed
from headwater.files import check_free
from headwater.runs.recipe import AnyRecipe, load_any_recipe
from headwater.runs.run import begin
from headwater.training.saved_state import Damaged, read_weights
from headwater.training.state_folder import state_names
from headwater.training.tensors import into_model

logger = logging.getLogger(__name__)


def convert(state: Path, output: Path) -> None:
    """Write the model of a state, as a run writes its own at the end.

    The run's data are read as at its beginning: labels stand in them. Memory holds the model twice,
    or once where the state is in shards; moments are not read.

    Args:
        state: `RUN/state/step-00000200`, `RUN/state/best-00000150`, or RUN for its newest state.
        output: a folder that does not exist, or is empty.
    """
    folder, weights = _newest(state / "state") if _is_run(state) else (state, _weights(state))
    recipe = _on_this_machine(folder.absolute().parent.parent / "config.toml")
    check_free(output)
    run = begin(recipe)
    model = run.trained_model()
    into_model(model, weights, str(folder), run.excluded_parameters(model))
    model.eval()
    run.save_model(output)


def _is_run(folder: Path) -> bool:
    return (folder / "state").is_dir()


def _newest(states: Path) -> tuple[Path, Mapping[str, Tensor]]:
    """Return the newest state that is whole, with its weights."""
    names = state_names(states)
    if not names:
        raise UserError(f"{states}: holds no saved state")
    for name in names:
        try:
            return states / name, read_weights(states / name)
        except Damaged as error:
            logger.warning("%s: %s; using the state before it", states / name, error)
    raise UserError(f"{states}: none of the saved states ({listed(names)}) is whole")


def _weights(folder: Path) -> Mapping[str, Tensor]:
    try:
        return read_weights(folder)
    except Damaged as error:
        expected = "a run folder, or RUN/state/step-N, was expected"
        raise UserError(f"{folder}: {error}; {expected}") from None


def _on_this_machine(file: Path) -> AnyRecipe:
    """Return a run's recipe without the device that it was trained on."""
    if not file.is_file():
        raise UserError(f"{file}: missing; leave a state where its run wrote it, RUN/state/step-N")
    recipe = load_any_recipe(file, {}, [])
    training = recipe.training.model_copy(update={"device": "cpu", "precision": "fp32"})
    return recipe.model_copy(update={"training": training})
