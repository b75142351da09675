"""The version, which every room may ask for; `pyproject.toml` and `CITATION.cff` have it too."""

__version__ = "0.2.0"
