"""Attention as pictures: the weights of a text, and the mask patterns that shape them.

A row is a query, a column is a key, and each row sums to 1. Colors are
the root of the weight, from 0 to 1 in every map, so that small weights are seen and maps compare.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from numpy.typing import NDArray

from headwater.errors import UserError
from headwater.files import replace_file
from headwater.pictures.figure import new_figure, write_png
from headwater.pictures.page import printable

_TEMPLATE = Path(__file__).with_name("attention.html")
MOST_WEIGHTS = 4_000_000  # in an HTML file: about 12 MB
MOST_NAMED = 24  # tokens, next to the maps of a layer
_COLUMNS, _SMALL = 4, 1.1  # maps with names side by side; inches of one without
_GRADE = PowerNorm(0.5, vmin=0, vmax=1)


@dataclass(frozen=True, slots=True)
class HeadMap:
    """The weights of one head.

    part: "encoder", "decoder" (self-attention) or "cross" (from the decoder to the encoder).
    layer, head: from 0 on.
    weights: float `[queries, keys]`, each row summing to 1.
    queries, keys: the tokens at those positions.
    """

    part: str
    layer: int
    head: int
    weights: NDArray[np.float64]
    queries: tuple[str, ...]
    keys: tuple[str, ...]


def draw_attention(maps: Sequence[HeadMap], picture: Path) -> None:
    """Draw maps as a PNG: one large, those of a layer with their tokens, or layers x heads.

    `maps` are not empty, in the order of part, layer and head.
    """
    longest = max(map(len, (maps[0].queries, maps[0].keys)))
    parts = [[each for each in maps if each.part == part] for part in _distinct(maps)]
    if len(maps) == 1:
        _draw_single(maps[0], picture)
    elif longest <= MOST_NAMED and all(part[0].layer == part[-1].layer for part in parts):
        _draw_named(parts, 0.9 + 0.13 * longest, picture)
    else:
        _draw_mosaics(parts, picture)


def _draw_single(head: HeadMap, picture: Path) -> None:
    rows, columns = head.weights.shape
    longest = max(map(len, (*head.queries, *head.keys)))
    figure = new_figure(2.2 + 0.07 * longest + 0.21 * columns, 1.2 + 0.07 * longest + 0.21 * rows)
    axes = figure.add_subplot()
    axes.set_title(f"{head.part}, layer {head.layer}, head {head.head}", fontsize=10)
    _name_tokens(axes, head, size=8)
    figure.colorbar(_draw_map(axes, head), ax=axes, shrink=0.6, label="attention weight")
    write_png(figure, picture)


def _draw_named(parts: Sequence[Sequence[HeadMap]], side: float, picture: Path) -> None:
    """Draw the heads of one layer of each part, four side by side, each `side` inches."""
    rows = [-(-len(part) // _COLUMNS) for part in parts]
    heights = [side * count + 0.4 for count in rows]
    figure = new_figure(side * min(_COLUMNS, max(map(len, parts))), sum(heights))
    below = figure.subfigures(len(parts), 1, height_ratios=heights, squeeze=False)[:, 0]
    for sub, part, count in zip(below, parts, rows, strict=True):
        sub.suptitle(f"{part[0].part}, layer {part[0].layer}", fontsize=10)
        for index, head in enumerate(part):
            axes = sub.add_subplot(count, min(_COLUMNS, len(part)), index + 1)
            axes.set_title(f"head {head.head}", fontsize=8)
            _draw_map(axes, head)
            _name_tokens(axes, head, size=6)
    write_png(figure, picture)


def _draw_mosaics(parts: Sequence[Sequence[HeadMap]], picture: Path) -> None:
    """Draw each part as one image of layers x heads: axes for each map would take minutes."""
    mosaics = [_mosaic(part) for part in parts]
    width = 0.7 + max(_SMALL * len({each.head for each in part}) for part in parts)
    heights = [0.7 + (width - 0.7) * image.shape[0] / image.shape[1] for image, *_ in mosaics]
    figure = new_figure(width, sum(heights))
    below = figure.subplots(len(parts), 1, height_ratios=heights, squeeze=False)[:, 0]
    colors = colormaps["Blues"].with_extremes(bad="#bbbbbb")
    for axes, part, (image, rows, columns) in zip(below, parts, mosaics, strict=True):
        axes.set_title(part[0].part, fontsize=10)
        axes.imshow(image, cmap=colors, norm=_GRADE, interpolation="antialiased")
        heads = dict.fromkeys(f"head {each.head}" for each in part)
        layers = dict.fromkeys(f"layer {each.layer}" for each in part)
        axes.xaxis.tick_top()
        axes.set_xticks(columns, list(heads), fontsize=7)
        axes.set_yticks(rows, list(layers), fontsize=7)
        axes.tick_params(length=0)
    write_png(figure, picture)


def _mosaic(
    part: Sequence[HeadMap],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return all maps of a part as one image, NaN between them, and the middles of its rows and
    columns of maps."""
    layers, heads = ({getattr(each, name) for each in part} for name in ("layer", "head"))
    finer = max(1, 48 // max(part[0].weights.shape))  # pixels for each weight of a small map
    rows, columns = (finer * size for size in part[0].weights.shape)
    gap = 1 + max(rows, columns) // 40
    padded = np.full((len(part), rows + gap, columns + gap), np.nan)
    for index, each in enumerate(part):
        padded[index, gap:, gap:] = np.kron(each.weights, np.ones((finer, finer)))
    grid = padded.reshape(len(layers), len(heads), rows + gap, columns + gap)
    image = grid.transpose(0, 2, 1, 3).reshape(len(layers) * (rows + gap), -1)
    image = np.pad(image, ((0, gap), (0, gap)), constant_values=np.nan)
    middles = [
        gap + (size - 1) / 2 + np.arange(len(several)) * (size + gap)
        for size, several in ((rows, layers), (columns, heads))
    ]
    return image, middles[0], middles[1]


def _draw_map(axes: Axes, head: HeadMap) -> Any:
    return axes.imshow(head.weights, cmap="Blues", norm=_GRADE, interpolation="nearest")


def _name_tokens(axes: Axes, head: HeadMap, size: int) -> None:
    style: dict[str, Any] = {"fontsize": size, "family": "monospace", "parse_math": False}
    axes.xaxis.tick_top()
    keys, queries = ([printable(name) for name in side] for side in (head.keys, head.queries))
    axes.set_xticks(range(len(keys)), keys, rotation=90, **style)
    axes.set_yticks(range(len(queries)), queries, **style)
    axes.tick_params(length=0)


def _distinct(maps: Sequence[HeadMap]) -> list[str]:
    return list(dict.fromkeys(each.part for each in maps))


def write_attention_html(maps: Sequence[HeadMap], title: str, path: Path) -> None:
    """Write maps as one HTML file in which part, layer and head are chosen."""
    count = sum(each.weights.size for each in maps)
    if count > MOST_WEIGHTS:
        raise UserError(
            f"{path}: {count:,} attention weights are too many for an HTML file; choose a --layer, "
            "a --head, or shorten the text"
        )
    content = {"title": title, "maps": [_plain(each) for each in maps]}
    # Inside a script element only these characters could end it or begin a comment.
    text = json.dumps(content, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    replace_file(path, _TEMPLATE.read_text(encoding="utf-8").replace("{{CONTENT}}", text))


def _plain(head: HeadMap) -> dict[str, Any]:
    """Weights in thousandths, row by row, which is as fine as a color shows."""
    return {
        "part": head.part,
        "layer": head.layer,
        "head": head.head,
        "queries": [printable(name) for name in head.queries],
        "keys": [printable(name) for name in head.keys],
        "weights": np.rint(head.weights * 1000).astype(int).ravel().tolist(),
    }


def draw_patterns(patterns: Mapping[str, NDArray[np.bool_]], picture: Path) -> None:
    """Draw mask patterns `[queries, keys]` as figure 3 of the T5 paper: dark is seen."""
    figure = new_figure(2.6 * len(patterns), 2.9)
    for index, (name, allowed) in enumerate(patterns.items()):
        axes = figure.add_subplot(1, len(patterns), index + 1)
        axes.set_title(name, fontsize=10)
        axes.pcolormesh(allowed, cmap="Blues", vmin=-0.15, vmax=1.3, edgecolors="white", lw=2)
        axes.set_aspect("equal")
        axes.invert_yaxis()
        rows, columns = allowed.shape
        axes.set_xticks(np.arange(columns) + 0.5, [f"$x_{{{i + 1}}}$" for i in range(columns)])
        axes.set_yticks(np.arange(rows) + 0.5, [f"$y_{{{i + 1}}}$" for i in range(rows)])
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
    write_png(figure, picture)
