"""`headwater inspect attention`: the attention weights of a network on a text.

The network is not changed: what enters the dropout of an attention is its weights, and a hook in
front of it sees them.

    for shown in attention(load("reader"), "Who wrote it?", "Ada wrote it."):
        shown.part, shown.layer, shown.head, shown.weights.shape

The mask patterns are those of the T5 paper (Raffel et al. 2020, section 3.2.1, figure 3), computed
by the very function that the networks call.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from headwater.errors import UserError, with_article
from headwater.inference.loaded import LoadedModel
from headwater.inference.running import evaluating
from headwater.inspection.reading import Batch, Reading, as_batch, read_by, refuse_export
from headwater.inspection.spelling import Speller
from headwater.models.body import EncoderBody, GeneratingBody
from headwater.models.build import Model
from headwater.models.config import ModelConfig
from headwater.models.families import sizes_of
from headwater.nn.attention import Attention
from headwater.nn.masks import visible
from headwater.pictures.attention import HeadMap
from headwater.pictures.page import Element, Heading, Line, Page, Table, TextSpan

LENGTH, PREFIX = 5, 3  # of the patterns, as in the figure
STRONGEST = 3  # tokens that a position attends to most, for a terminal

Attentions = list[tuple[str, NDArray[np.float64]]]
"""The name of each attention in the order of use, and its weights `[heads, queries, keys]`."""


def attention(
    loaded: LoadedModel,
    text: str,
    second: str | None = None,
    *,
    layer: int | None = None,
    head: int | None = None,
) -> list[HeadMap]:
    """Return the weights of every head, or of those chosen, in the order of part, layer, head.

    Without a second text, a T5 attends from the text that it generates.
    """
    refuse_export(loaded)
    network, config = loaded.network, loaded.config
    if not any(isinstance(part, Attention) for part in network.modules()):
        raise UserError(
            f"{loaded.name} is {with_article(config.model_type)}, which has no attention"
        )
    reading = read_by(loaded, text, second)
    with evaluating(network), _recorded(network) as seen:
        encoded = _span(network, as_batch(reading, network), seen)
    keys, queries = _token_names(config, reading, Speller(loaded.vocabulary))
    names = {"encoder": (keys, keys), "decoder": (queries, queries), "cross": (queries, keys)}
    layers: dict[str, int] = dict.fromkeys(names, 0)
    maps = []
    for index, (name, weights) in enumerate(seen):
        part = "encoder" if index < encoded else "cross" if ".cross." in name else "decoder"
        for number, each in enumerate(weights):
            maps.append(HeadMap(part, layers[part], number, each, *names[part]))
        layers[part] += 1
    maps.sort(key=lambda each: list(names).index(each.part))  # stable: layers stay in order
    return _chosen(_chosen(maps, "layer", layer, loaded.name), "head", head, loaded.name)


def _span(network: Model, batch: Batch, seen: Attentions) -> int:
    """Send a batch through, and return how many of the attentions `seen` are the encoder's."""
    body = network.body
    if isinstance(body, EncoderBody):
        body(batch["input_ids"], None, batch.get("token_type_ids"))
        return len(seen)
    # A decoder may share the encoder's layers: only the order shows whose attention it is.
    assert isinstance(body, GeneratingBody)
    body.encode(batch["input_ids"])
    encoded = len(seen)
    seen.clear()
    body(batch)
    return encoded


@contextmanager
def _recorded(network: nn.Module) -> Iterator[Attentions]:
    """Keep the weights of every attention of one sequence, while the block lasts."""
    seen: Attentions = []

    def keep(name: str) -> Any:
        def hook(_: nn.Module, inputs: tuple[Tensor]) -> None:
            seen.append((name, inputs[0][0].double().cpu().numpy()))

        return hook

    handles = [
        part.dropout.register_forward_pre_hook(keep(name))
        for name, part in network.named_modules()
        if isinstance(part, Attention)
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _token_names(
    config: ModelConfig, reading: Reading, speller: Speller
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the encoder reads, and what the decoder does, token by token."""
    keys = tuple(speller.token(id) for id in reading.ids)
    sizes = sizes_of(config)
    if sizes.decoder_start_id is None:
        return keys, keys
    assert reading.targets is not None
    before = (sizes.decoder_start_id, *reading.targets[:-1])
    queries = tuple(speller.token(id) for id in before)
    return keys, keys + queries if sizes.one_stack else queries


def _chosen(maps: list[HeadMap], name: str, wanted: int | None, model: str) -> list[HeadMap]:
    """Keep the maps whose layer or head, by `name`, is the one wanted."""
    if wanted is None:
        return maps
    found = [each for each in maps if getattr(each, name) == wanted]
    if not found:
        last = max(getattr(each, name) for each in maps)
        raise UserError(f"--{name} {wanted}: {model} has {name}s 0 to {last}")
    return found


def described(maps: Sequence[HeadMap]) -> list[dict[str, Any]]:
    """Return maps for JSON."""
    return [asdict(each) | {"weights": each.weights.tolist()} for each in maps]


def strongest(maps: Sequence[HeadMap], model: str) -> Page:
    """Return a page with the tokens that each position attends to most, in the mean over the maps.

    Tokens that the mask hides are omitted.
    """
    elements: list[Element] = []
    for part in dict.fromkeys(each.part for each in maps):
        same = [each for each in maps if each.part == part]
        mean = np.mean([each.weights for each in same], axis=0)
        order = np.argsort(-mean, axis=1, kind="stable")[:, :STRONGEST]
        rows = []
        for query, weights, likeliest in zip(same[0].queries, mean, order, strict=True):
            pairs = [(same[0].keys[key], weights[key]) for key in likeliest]
            texts = [query, *(f"{key} {weight:.2f}" if weight else "" for key, weight in pairs)]
            rows.append(tuple(map(TextSpan, texts)))
        names = ("token", "attends most to", *("then to",) * (order.shape[1] - 1))
        single = f"{part}: layer {same[0].layer}, head {same[0].head}"
        title = single if len(same) == 1 else f"{part}: the mean of {len(same)} heads"
        elements += [Heading(title), Table(names, tuple(rows))]
    return Page(f"{model}: attention", tuple(elements))


def patterns() -> dict[str, NDArray[np.bool_]]:
    """Return the mask patterns by name, `[queries, keys]`, true where a position is visible."""
    position = torch.arange(LENGTH)
    blocks = (position[None] >= PREFIX).long() + 1
    masks = {
        "Fully-visible": visible(torch.ones(1, LENGTH)),
        "Causal": visible(None, position, position),
        "Causal with prefix": visible(None, position, position, torch.tensor([PREFIX])),
        "Causal, two texts packed": visible(
            None, position, position, query_blocks=blocks, key_blocks=blocks
        ),
    }
    return {
        name: allowed.expand(1, 1, LENGTH, LENGTH)[0, 0].numpy()
        for name, allowed in masks.items()
        if allowed is not None
    }


def patterns_page(found: Mapping[str, NDArray[np.bool_]]) -> Page:
    """Return the patterns for a terminal: a dot where a position is visible."""
    elements: list[Element] = []
    for name, allowed in found.items():
        elements.append(Heading(name))
        keys = " ".join(f"x{position + 1}" for position in range(allowed.shape[1]))
        elements.append(Line("", (TextSpan(keys, "special"),)))
        for position, row in enumerate(allowed):
            cells = " ".join("● " if seen else "○ " for seen in row)
            elements.append(Line(f"y{position + 1}", (TextSpan(cells),)))
    return Page("mask patterns: which position y may attend to which position x", tuple(elements))
