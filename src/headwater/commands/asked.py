"""What `ask` is given: one question or several, and the model that is asked."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from headwater.commands.given import standard_input
from headwater.errors import UserError
from headwater.files import read_lines

if TYPE_CHECKING:
    from headwater.inference.loaded import LoadedModel
    from headwater.inference.loading import Loading

logger = logging.getLogger(__name__)


def questions_of(question: str | None, file: str | None) -> list[str]:
    """Return the question that is given, or those of a file, one a line without empty ones."""
    if file is None:
        if question is None:
            raise UserError("missing argument 'question'; see `headwater ask --help`")
        return [question]
    if question is not None:
        raise UserError("give one question or --questions, not both")
    lines = standard_input() if file == "-" else read_lines(Path(file))
    questions = [line.strip() for line in lines if line.strip()]
    if not questions:
        raise UserError(f"{file}: no question; one a line was expected")
    return questions


def loaded_for(questions: Sequence[str], model: str, **loading: "Unpack[Loading]") -> "LoadedModel":
    """Load a model, and say why its answers may mean little."""
    from headwater.inference.loaded import load

    loaded = load(model, **loading)
    if loaded.generates and loaded.objective:
        logger.info(
            f"{model}: pre-trained by {loaded.objective} and adapted to no task, so that its "
            "answers mean little; adapt it with `headwater finetune`"
        )
    for question in questions:
        if unread := loaded.unread(question):
            logger.info(
                f"the question is too long (tokens at its end that are not read: {unread}); ask a "
                "shorter one"
            )
    return loaded
