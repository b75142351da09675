"""`/ask`: answers with their evidence, from a text or from an index of documents.

An index gives a `Reply`: each answer cites its places, or the documents do not say.
"""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple, final

from pydantic import Field

from headwater.config import Config
from headwater.documents.index import Index
from headwater.errors import UserError
from headwater.inference.loaded import LoadedModel
from headwater.pipelines.task import field, first_or_all
from headwater.serving.refusals import Refusal


class AskOptions(Config):
    """How many answers are wanted."""

    top_k: int = Field(default=1, ge=1, le=100)


class Question(NamedTuple):
    """A question, and the text to answer from; None: the index."""

    question: str
    context: str | None


logger = logging.getLogger(__name__)


@final
class Asking:
    """Answers questions, or says that the text does not."""

    options = AskOptions

    def __init__(self, model: LoadedModel, index: Index | None) -> None:
        self._model, self._index = model, index

    def items(self, inputs: Any) -> tuple[list[Question], bool]:
        """Check `{"question": ..., "context": ...}`."""
        question = field(inputs, "question", "request")
        if inputs.get("context") is not None:
            return [Question(question, field(inputs, "context", "request"))], True
        if self._index is None:
            raise UserError("context: missing; this server has no index to answer from")
        return [Question(question, None)], True

    def characters(self, item: Question) -> int:
        return len(item.question) + len(item.context or "")

    def run(self, items: Sequence[Question], options: AskOptions) -> list[Any]:
        return [self._asked(each, options.top_k) for each in items]

    def outer(self, results: list[Any], one: bool) -> Any:
        return first_or_all(results, one)

    def _asked(self, item: Question, top_k: int) -> dict[str, Any]:
        if item.context is not None:
            found = self._model.answer(item.question, item.context, top_k)
            return {"answers": [each.to_dict() for each in found]}
        assert self._index is not None
        try:
            return self._index.ask(item.question, self._model, top_k=top_k).to_dict()
        except (UserError, OSError) as error:
            logger.error(f"the index: {error}")
            text = "the documents of this server cannot be searched; see its log"
            raise Refusal(503, "unhealthy", text) from None
