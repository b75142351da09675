"""The page for people, at the root.

It may run the script and the style in it, and ask its own server; no more.
"""

from importlib.resources import files
from secrets import token_urlsafe
from typing import final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

_POLICY = (
    "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MARK = "NONCE"  # in the page, where the number stands that is used once


@final
class PageRoutes:
    """Gives the page."""

    def __init__(self) -> None:
        self._page = (files("headwater.serving") / "page.html").read_text(encoding="utf-8")

    async def page(self, request: Request) -> Response:
        """Return the page, with headers that name what it may do."""
        nonce = token_urlsafe(16)
        headers = {
            "Content-Security-Policy": _POLICY.format(nonce),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return HTMLResponse(self._page.replace(_MARK, nonce), headers=headers)
