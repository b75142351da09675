"""`headwater serve`: models behind HTTP."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, Any

from headwater import messages
from headwater.commands.terminal import Device, Precision, argument, described, option
from headwater.errors import UserError

KEY = "HEADWATER_API_KEY"
_KERNELS = 256  # of all models: those of some forty shapes of batches

Models = Annotated[
    list[str] | None,
    argument("Folders, hub ids, bundled names, or NAME=MODEL [all bundled].", "MODEL"),
]

Keys = Annotated[list[str] | None, option(f"A key that requests need; repeatable [${KEY}].", "KEY")]
WithoutKey = Annotated[
    bool, option("Listen beyond this machine without a key.", flag="--without-key")
]
InputTokens = Annotated[int, option("Of a text to write from; more gets 422.", min=1)]
CacheTokens = Annotated[
    int | None, option("Read and written by these at most [by the device].", min=1)
]
DrainSeconds = Annotated[
    float, option("After SIGTERM: not ready, but still taking requests.", min=0)
]


@described("Serve models over HTTP, to the clients of Hugging Face and OpenAI.")
def serve(
    models: Models = None,
    index: Annotated[str | None, option("Documents to answer from.", "X.index")] = None,
    host: Annotated[str, option("The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, option("The port; 0 takes a free one.", min=0, max=65535)] = 8000,
    api_key: Keys = None,
    without_key: WithoutKey = False,
    max_waiting_tokens: Annotated[int, option("What may wait; more gets 429.", min=1)] = 65_536,
    max_batch_tokens: Annotated[int | None, option("Of a batch [by the device].", min=1)] = None,
    max_body_bytes: Annotated[int, option("Of a request; more gets 413.", min=1)] = 2_000_000,
    max_inputs: Annotated[int, option("Of a request; more gets 422.", min=1)] = 128,
    max_characters: Annotated[int, option("Of an input; more gets 422.", min=1)] = 1_000_000,
    max_input_tokens: InputTokens = 4096,
    max_new_tokens: Annotated[int, option("Of a written text; more gets 422.", min=1)] = 2048,
    max_texts: Annotated[int, option("Written at the same time; others wait.", min=1)] = 32,
    max_cache_tokens: CacheTokens = None,
    drain_seconds: DrainSeconds = 5.0,
    log_format: Annotated[str, option("text or json.", "text|json")] = "text",
    precision: Precision = "auto",
    device: Device = "auto",
) -> None:
    values = {
        "host": host,
        "port": port,
        "api_keys": api_key or ([os.environ[KEY]] if os.environ.get(KEY) else []),
        "without_key": without_key,
        "max_waiting_tokens": max_waiting_tokens,
        "max_batch_tokens": max_batch_tokens,
        "max_body_bytes": max_body_bytes,
        "max_inputs": max_inputs,
        "max_characters": max_characters,
        "max_input_tokens": max_input_tokens,
        "max_new_tokens": max_new_tokens,
        "max_texts": max_texts,
        "max_cache_tokens": max_cache_tokens,
        "drain_seconds": drain_seconds,
    }
    with _logging(log_format):
        _serve(models or [], index, values, device, precision)


def _logging(log_format: str) -> AbstractContextManager[object]:
    if log_format not in ("text", "json"):
        raise UserError(f"--log-format {log_format}: text or json was expected")
    return messages.as_json() if log_format == "json" else nullcontext()


def _serve(
    models: list[str], index: str | None, values: Mapping[str, Any], device: str, precision: str
) -> None:
    """Load, then serve until a signal comes."""
    from headwater.serving.settings import Settings

    settings = Settings.check(values, "serve")
    try:
        import prometheus_client  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise UserError(f"serve needs {error.name}; pip install 'headwater[serve]'") from None
    from headwater.device import apart, keep_few_kernels
    from headwater.documents.index import open_index
    from headwater.serving.application import application
    from headwater.serving.envelope import log_event
    from headwater.serving.models import load_models
    from headwater.serving.server import serve as run

    def started(address: str) -> None:
        names = ", ".join(each.name for each in loaded)
        log_event("ready", {"address": address, "models": names})

    keep_few_kernels(_KERNELS)
    with nullcontext() if index is None else open_index(index) as documents:
        loaded = apart(lambda: load_models(models, device, precision))
        run(application(loaded, settings, documents), settings, started)
