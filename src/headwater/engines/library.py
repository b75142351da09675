"""The engines by name, and their libraries, which are imported when one is used."""

from importlib import import_module
from typing import Any, Literal

from headwater.errors import UserError

EngineName = Literal["onnx", "ctranslate2"]
"""The engines, by the names of the extras that install them."""


def imported(module: str, engine: EngineName) -> Any:
    """Import a module that an engine needs; where it is not installed, say how to install it."""
    try:
        return import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise UserError(
            f"{engine} needs {package}, which is missing; pip install 'headwater[{engine}]'"
        ) from None
