"""Models that are made once."""

import pytest

from headwater.inference.loaded import LoadedModel, load
from tiny_tasks import Model, made


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Return the loaded model of a name: a key of HEADS, "t5" or "gpt"."""
    folder = tmp_path_factory.mktemp("pipelines")
    loaded: dict[str, LoadedModel] = {}

    def found(name: str) -> LoadedModel:
        if name not in loaded:
            loaded[name] = load(made(folder / name, name), "cpu")
        return loaded[name]

    return found
