"""What the environment says of S3: obstore ends with a Rust panic where its form is wrong."""

import os
import re
from collections.abc import Mapping
from typing import Final

from headwater.errors import UserError

_ENDPOINT: Final = re.compile(r"https?://[^\s/?#]\S*")
_KEY: Final = re.compile(r"[!-~]*")
_FORMS: Final = {
    **dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"), _ENDPOINT),
    **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), _KEY),
    **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), _KEY),
}


def check_environment(environment: Mapping[str, str] = os.environ) -> None:
    """Refuse a value in a form that no key or address has; the value, a secret, is not shown."""
    for name, form in _FORMS.items():
        value = environment.get(name)
        if value is None or form.fullmatch(value):
            continue
        expected = "http://HOST or https://HOST" if form is _ENDPOINT else "no space or line break"
        raise UserError(f"{name} (in the environment): {expected} was expected; set it again")
