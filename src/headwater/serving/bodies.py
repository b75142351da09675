"""Reading what a request says, within bounds: its bytes, its seconds, and JSON that is no trap."""

import asyncio
import json
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from headwater.arguments import refuse_half_characters
from headwater.errors import UserError
from headwater.serving.refusals import Refusal
from headwater.serving.settings import Settings


async def read_object(request: Request, settings: Settings) -> dict[str, Any]:
    """Return the JSON object of a request."""
    content = await _read(request, settings)
    try:
        text = content.decode("utf-8")
        found = json.loads(text, parse_constant=_no_number)
        refuse_half_characters(json.dumps(found, ensure_ascii=False))
    except UnicodeDecodeError:
        raise _broken("it is not UTF-8") from None
    except RecursionError:
        raise _broken("it is nested too deeply") from None
    except UserError as error:
        raise _broken(str(error)) from None
    except ValueError as error:  # of JSON, and of numbers with thousands of digits
        raise _broken(getattr(error, "msg", "a number is too long")) from None
    if not isinstance(found, dict):
        raise _broken("an object was expected")
    return found


async def _read(request: Request, settings: Settings) -> bytes:
    most = settings.max_body_bytes
    said = request.headers.get("content-length", "")
    if said.isdigit() and (len(said) > 15 or int(said) > most):
        raise _too_large(most)
    parts, size = [], 0
    try:
        async with asyncio.timeout(settings.body_seconds):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise _too_large(most)
                parts.append(part)
    except TimeoutError:
        text = f"the request did not arrive within {settings.body_seconds:g} s"
        raise Refusal(408, "timeout", text, {"Connection": "close"}) from None
    except ClientDisconnect:
        raise Refusal(400, "validation", "the request was cut off") from None
    return b"".join(parts)


def _no_number(name: str) -> NoReturn:
    raise UserError(f"{name} is no number in JSON")


def _broken(what: str) -> Refusal:
    return Refusal(400, "validation", f"the request is not JSON that can be read: {what}")


def _too_large(most: int) -> Refusal:
    text = f"the request has more than {most} bytes; send less at once"
    return Refusal(413, "too_large", text, {"Connection": "close"})
