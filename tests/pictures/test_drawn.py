"""PNGs of inputs and attention: of the right size, and changing with what is drawn."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from headwater.errors import UserError
from headwater.pictures import attention
from headwater.pictures.attention import (
    HeadMap,
    draw_attention,
    draw_patterns,
    write_attention_html,
)
from headwater.pictures.inputs import draw_inputs
from headwater.pictures.page import Columns, Page, TextSpan

STRANGE = ("$x_1$", "$", "\\frac", "猫", "[CLS]", "a\nb", "</script>")


def head_map(part: str, layer: int, head: int, size: int = 4) -> HeadMap:
    weights = np.full((size, size), 0.1 / (size - 1)) + np.eye(size) * (0.9 - 0.1 / (size - 1))
    names = tuple(STRANGE[index % len(STRANGE)] for index in range(size))
    return HeadMap(part, layer, head, np.roll(weights, head, 1), names, names)


def maps(parts: str, layers: int, heads: int, size: int = 4) -> list[HeadMap]:
    return [
        head_map(part, layer, head, size)
        for part in parts.split()
        for layer in range(layers)
        for head in range(heads)
    ]


def test_inputs_are_wrapped(tmp_path: Path) -> None:
    heights = []
    for count in (3, 30):
        columns = tuple(
            (
                TextSpan(STRANGE[index % len(STRANGE)]),
                TextSpan("12"),
                TextSpan("A"),
                TextSpan(str(index)),
            )
            for index in range(count)
        )
        page = Page("t", (Columns(("input", "id", "segment", "position"), columns),))
        draw_inputs(page, tmp_path / f"{count}.png")
        picture = imread(tmp_path / f"{count}.png")
        assert picture.shape[1] == 1000
        assert picture[..., :3].min() < 0.2
        heights.append(picture.shape[0])
    assert heights[1] > 2 * heights[0]


@pytest.mark.parametrize(
    ("parts", "layers", "heads", "size"),
    [
        ("encoder", 1, 1, 7),
        ("encoder", 1, 5, 7),
        ("decoder cross", 1, 2, 3),
        ("encoder decoder cross", 2, 3, 5),
        ("encoder", 3, 2, 60),
    ],
)
def test_attention_is_drawn_in_its_colors(
    parts: str, layers: int, heads: int, size: int, tmp_path: Path
) -> None:
    draw_attention(maps(parts, layers, heads, size), tmp_path / "a.png")
    picture = imread(tmp_path / "a.png")[..., :3]
    dark, light = np.array([0.03, 0.28, 0.57]), np.array([0.8, 0.87, 0.94])
    for color in (dark, light):  # 0.9 and about 0.02
        near = np.abs(picture - color).max(axis=2) < 0.16
        assert near.mean() > 0.002, color


def test_a_mosaic_keeps_maps_in_place() -> None:
    drawn, rows, columns = attention._mosaic(maps("encoder", 2, 3))
    cell = 48 // 4
    gap = 1 + 48 // 40
    for layer, middle in enumerate(rows):
        for head, across in enumerate(columns):
            begin = layer * (48 + gap) + gap, head * (48 + gap) + gap
            part = drawn[begin[0] : begin[0] + 48 : cell, begin[1] : begin[1] + 48 : cell]
            assert np.array_equal(part, head_map("encoder", layer, head).weights)
            assert (middle, across) == (begin[0] + 23.5, begin[1] + 23.5)


def test_html_holds_all_weights_and_no_code_of_a_text(tmp_path: Path) -> None:
    given = maps("encoder cross", 2, 2, 7)
    write_attention_html(given, "</script><b>", tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert text.count("</script>") == 1
    assert "http" not in text
    found = re.search(r"const content = (.*);\n", text)
    assert found is not None
    content = json.loads(found[1])
    assert content["title"] == "</script><b>"
    for one, other in zip(content["maps"], given, strict=True):
        assert (one["part"], one["layer"], one["head"]) == (other.part, other.layer, other.head)
        shown = np.array(one["weights"]).reshape(7, 7) / 1000
        np.testing.assert_allclose(shown, other.weights, atol=5e-4)


def test_html_that_no_browser_opens_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "MOST_WEIGHTS", 63)
    with pytest.raises(UserError, match="64 attention weights are too many"):
        write_attention_html(maps("encoder", 2, 2), "t", tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()


def test_patterns_are_drawn_dark_where_seen(tmp_path: Path) -> None:
    shares = []
    for name, seen in (("all", np.ones((5, 5), bool)), ("causal", np.tri(5, dtype=bool))):
        draw_patterns({name: seen}, tmp_path / f"{name}.png")
        picture = imread(tmp_path / f"{name}.png")[..., :3]
        shares.append((np.abs(picture - np.array([0.1, 0.4, 0.67])).max(axis=2) < 0.1).mean())
    assert shares[1] / shares[0] == pytest.approx(15 / 25, abs=0.03)
