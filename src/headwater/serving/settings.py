"""What a server is told. Free of torch and of the libraries of the server."""

from ipaddress import ip_address
from typing import NamedTuple, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from headwater.config import Config


class Settings(Config):
    """Where a server listens, who may ask, and how much it takes at once.

    host, port: port 0 takes a free one.
    api_keys: of which each request needs one; none: anybody may ask.
    without_key: listen beyond this machine without a key, too.
    max_waiting_tokens: what may wait; beyond it a request is refused with 429.
    max_batch_tokens: of a batch, padding included; None: by the device.
    max_body_bytes: of a request.
    max_inputs: of a request.
    max_characters: of an input.
    max_input_tokens: of a text that another is written from: memory grows with the square.
    max_new_tokens: of a text that is written.
    max_texts: that are written at the same time; the others wait.
    max_cache_tokens: what these read and write together, padding included; None: by the device.
    body_seconds: within which a request must have arrived.
    drain_seconds: for which a stopping server is not ready, but still takes requests.

    What waits and what is read in batches is estimated, a token as four characters.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    api_keys: list[str] = Field(default=[])
    without_key: bool = False
    max_waiting_tokens: PositiveInt = 65_536
    max_batch_tokens: PositiveInt | None = None
    max_body_bytes: PositiveInt = 2_000_000
    max_inputs: PositiveInt = 128
    max_characters: PositiveInt = 1_000_000
    max_input_tokens: PositiveInt = 4096
    max_new_tokens: PositiveInt = 2048
    max_texts: PositiveInt = 32
    max_cache_tokens: PositiveInt | None = None
    body_seconds: PositiveFloat = 10.0
    drain_seconds: NonNegativeFloat = 5.0

    @model_validator(mode="after")
    def _needs_a_key(self) -> Self:
        if any(not key.strip() or not key.isascii() for key in self.api_keys):
            raise ValueError("api_keys: a key of letters, digits and signs was expected")
        if not (self.api_keys or self.without_key or _local(self.host)):
            raise ValueError(
                f"host {self.host}: other machines could ask without a key; give --api-key KEY, or "
                "--without-key to let anybody ask"
            )
        return self


class Limits(NamedTuple):
    """How much is written at the same time.

    texts: by all models together. cache_tokens: what they read and write at most, padding included.
    input_tokens: of one input.
    """

    texts: int
    cache_tokens: int
    input_tokens: int


def _local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def estimated_tokens(characters: int) -> int:
    """Return about how many tokens a text of so many characters has."""
    return 3 + characters // 4
