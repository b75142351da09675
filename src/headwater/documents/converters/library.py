"""The libraries of the extra `documents`: whether they are here, and in which version."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from headwater.errors import UserError

_PACKAGES = {"docx": "python-docx"}
"""Packages that are named otherwise than the module they bring."""


def check_library(library: str | None) -> None:
    """Refuse where a library is not installed."""
    if library is not None and find_spec(library) is None:
        package = _PACKAGES.get(library, library)
        raise UserError(f"reading it needs {package}; pip install 'headwater[documents]'")


def installed(library: str) -> str:
    """Return a library with its version, such as `pypdfium2 5.15.2`, or `no pypdfium2`."""
    package = _PACKAGES.get(library, library)
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"
