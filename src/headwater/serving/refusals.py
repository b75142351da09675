"""Requests that are refused, by the statuses and types that the clients know.

{"error": "inputs.context: the text is empty", "error_type": "validation"}

Below /v1 they are as OpenAI's clients read them:

{"error": {"message": "no model 'a'; there are b, c", "type": "not_found", "code": 404}}
"""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from headwater.errors import UserError
from headwater.memory_limit import memory_fault

GONE = 499
"""The status that is logged where nobody waited for an answer."""


class Refusal(Exception):
    """A request that gets an error in place of an answer.

    error_type: as `huggingface_hub` reads it: "validation", "overloaded", or another word.
    """

    def __init__(
        self, status: int, error_type: str, text: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status, self.error_type, self.text = status, error_type, text
        self.headers = dict(headers or {})

    def body(self, path: str) -> dict[str, Any]:
        """Return what is answered below a path."""
        if path.startswith("/v1/"):
            content = {"message": self.text, "type": self.error_type, "code": self.status}
            return {"error": content}
        return {"error": self.text, "error_type": self.error_type}

    def response(self, path: str) -> JSONResponse:
        """Return the answer to a request for a path."""
        return JSONResponse(self.body(path), self.status, self.headers)


def invalid(text: str) -> Refusal:
    """Return the refusal of what a request says."""
    return Refusal(422, "validation", text)


def refusal_of(error: Exception) -> Refusal:
    """Return what is answered for what went wrong; texts of strange errors are not given away."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, UserError):
        return invalid(str(error))
    if isinstance(error, MemoryError | RuntimeError) and memory_fault(error) is not None:
        return Refusal(503, "unhealthy", "the memory of this server is used up; ask for less")
    return Refusal(500, "internal", f"a fault of this server ({type(error).__name__}); see its log")
