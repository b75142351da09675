"""`headwater vectors`: what it prints and writes, and what it refuses."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny
from headwater.inference.loaded import load

Headwater = Callable[..., Any]


@pytest.fixture(scope="module")
def cbow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with five words: mill river stood the ."""
    folder = tmp_path_factory.mktemp("cbow")
    texts = ["the river . the mill stood"] * 2
    vocabulary = tiny.words(folder / "words", texts, size=8)
    sizes = {"vector_size": 4, "samples": 2}
    tiny.model_folder(folder / "run" / "model", vocabulary, family="cbow", **sizes)
    return folder / "run"


def test_nearest_prints_words_and_cosines(headwater: Headwater, cbow: Path) -> None:
    ran = headwater("vectors", "nearest", cbow, "mill", "--count", 2)
    assert ran.code == 0 and ran.err == ""
    lines = [line.split() for line in ran.out.splitlines()]
    assert len(lines) == 2 and all(word in ("river", "stood", "the", ".") for word, _ in lines)
    assert 1 >= float(lines[0][1]) >= float(lines[1][1]) >= -1
    same = json.loads(headwater("vectors", "nearest", cbow, "mill", "--count", 2, "--json").out)
    assert [each["word"] for each in same] == [word for word, _ in lines]


def test_words_are_added_and_taken_off(headwater: Headwater, cbow: Path) -> None:
    arguments = ("mill", "--minus", "river", "--plus", "stood", "--plus", "the", "--json")
    [found] = json.loads(headwater("vectors", "nearest", cbow, *arguments).out)
    assert found["word"] == "."  # all others are in the sum


def test_export_writes_the_file(headwater: Headwater, cbow: Path, tmp_path: Path) -> None:
    for option in ((), ("--binary",)):
        ran = headwater("vectors", "export", cbow, "--output", tmp_path / "out", *option)
        assert ran.code == 0 and ran.out.strip() == str(tmp_path / "out")
        assert (tmp_path / "out").read_bytes().startswith(b"5 4\nthe ")


def test_mistakes_are_one_line(headwater: Headwater, cbow: Path, reader: Path) -> None:
    for arguments, expected in (
        (("nearest", cbow, "rivr"), "'rivr': no such token in the vocabulary; the nearest is"),
        (("nearest", cbow, "mill", "--minus", "x"), "'x': no such token"),
        (("nearest", cbow, "[UNK]"), "'[UNK]': a special token and no word"),
        (("nearest", reader, "mill"), "word vectors are those of a CBOW"),
        (("export", cbow / "absent", "--output", "out"), "no such folder"),
        (("export", cbow, "--output", cbow), "not a file that can be replaced"),
    ):
        ran = headwater("vectors", *arguments)
        assert ran.code == 2 and expected in ran.err and ran.err.count("\n") == 1


@pytest.mark.parametrize("verb", ["nearest", "export"])
def test_help_imports_no_torch(verb: str) -> None:
    code = (
        f"import sys; sys.argv = ['headwater', 'vectors', '{verb}', '--help']\n"
        "from headwater import cli\n"
        "try: cli.main()\n"
        "except SystemExit as stop: assert stop.code in (0, None), stop.code\n"
        "assert 'torch' not in sys.modules and 'gensim' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_embed_writes_a_vector_for_each_line(
    headwater: Headwater, cbow: Path, reader: Path, tmp_path: Path
) -> None:
    texts, output = tmp_path / "texts.txt", tmp_path / "vectors.npy"
    texts.write_text("the mill\n\nriver\n", "utf-8")
    ran = headwater("vectors", "embed", reader, texts, "--output", output, "--prompt", "query")
    assert ran.code == 0 and ran.out.strip() == str(output)
    found = np.load(output)
    assert found.dtype == np.float32 and found.shape == (3, 16)
    np.testing.assert_array_equal(found, load(reader).embed(["the mill", "", "river"]))
    texts.write_text("", "utf-8")
    for arguments, expected in (
        ((cbow, texts), "texts.txt: empty; one text per line was expected"),
        ((reader, tmp_path / "absent"), "absent"),
        ((reader, reader / "config.json", "--prompt", "x"), "prompt 'x': there are query, doc"),
        ((cbow, reader / "config.json"), "which gives vectors of words; an encoder gives vectors"),
    ):
        ran = headwater("vectors", "embed", *arguments, "--output", output)
        assert ran.code == 2 and expected in ran.err.splitlines()[-1]
    assert len(np.load(output)) == 3
