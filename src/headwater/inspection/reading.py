"""A text as a model reads it: its tokens, and where each family's other inputs come from.

    BERT   [CLS] text [SEP] other text [SEP], segments A and B, positions
    T5     text </s>; a second text is what the decoder is to write
    GPT    text, positions
    CBOW, ELMo    words

A blank, written [MASK] or ___, becomes the mask of a BERT, the next sentinel of a T5 and the
unknown word of a model of words. A GPT sees nothing after the position it writes at: it reads up to
the blank.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from headwater.checkpoints.description import Description
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.vocabularies import vocabulary_of
from headwater.data.config import TextConfig
from headwater.errors import UserError, with_article
from headwater.inference.decoding import generate_ids
from headwater.inference.gaps import GAP, with_masks, with_sentinels
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.loaded import LoadedModel
from headwater.models.config import BodySizes, ModelConfig
from headwater.models.families import family_of, kind_of, sizes_of
from headwater.models.feature_model import FeatureModel
from headwater.models.text_to_text import TextToText
from headwater.text.framing import Framing, framing_of
from headwater.text.sequence_layout import SequenceLayout, encoder_layout, running_text_layout
from headwater.text.vocabulary import Vocabulary, check_fits


@dataclass(frozen=True, slots=True)
class Reading:
    """One sequence of a model's inputs.

    ids: the tokens, special ones included.
    segments: 0 or 1 for each token; None where the model has no segments.
    positions: the index into the position table for each token; None: the model has no table.
    targets: of a T5, what the decoder is to write, the end token included; None: not given.
    blanks: the positions of the blanks, of a BERT or a model of words.
    cut: whether a text was cut at its blank.
    """

    ids: tuple[int, ...]
    segments: tuple[int, ...] | None = None
    positions: tuple[int, ...] | None = None
    targets: tuple[int, ...] | None = None
    blanks: tuple[int, ...] = ()
    cut: bool = False


def described(model: str) -> tuple[Description, Vocabulary]:
    """Load all of a model but its weights."""
    folder = resolve(model)
    found, vocabulary = Description.read(folder), vocabulary_of(folder)
    check_fits(vocabulary, found.config.vocab_size, str(folder))
    return found, vocabulary


def refuse_export(loaded: LoadedModel) -> None:
    """Refuse a network that another engine runs: nothing inside it can be seen."""
    if next(loaded.network.parameters(), None) is None:
        raise UserError(
            f"{loaded.name}: an export, into which nothing can look; inspect the model that it was "
            "made of"
        )


def read_by(loaded: LoadedModel, text: str, second: str | None) -> Reading:
    """Turn a text, or a pair, into what a loaded model reads, with what it writes."""
    refuse_export(loaded)
    has_head = loaded.network.head_name is not None
    reading = read(loaded.vocabulary, loaded.config, text, second, has_head=has_head)
    return with_targets(loaded, reading)


def read(
    vocabulary: Vocabulary,
    config: ModelConfig,
    text: str,
    second: str | None = None,
    *,
    has_head: bool = False,
) -> Reading:
    """Turn a text, or a pair, into what a model of that family reads.

    Args:
        has_head: whether a head stands on it, which a GPT reads other tokens for.
    """
    for each in (text, second):
        if each is not None and not each.strip():
            raise UserError("the text is empty; give one to look at")
    sizes = sizes_of(config)
    match kind_of(config):
        case "encoder":
            reading = _encoder(vocabulary, sizes, text, second, encoder_layout(vocabulary))
        case "text_to_text":
            framing = framing_of(vocabulary, *sizes.framed)
            reading = _text_to_text(vocabulary, framing, text, second)
        case "causal_lm" if has_head:
            reading = _encoder(vocabulary, sizes, text, second, running_text_layout(vocabulary))
        case "causal_lm":
            reading = _decoder(vocabulary, text, second)
        case "word_vectors":
            reading = _words(vocabulary, text, second)
    _check_length(reading, sizes.longest_input)
    return reading


def _encoder(
    vocabulary: Vocabulary,
    sizes: BodySizes,
    text: str,
    second: str | None,
    layout: SequenceLayout,
) -> Reading:
    ids = [*layout.before, *_tokens(vocabulary, _masked(vocabulary, text))]
    first = len(ids) + len(layout.between)
    if second is not None:
        ids += [*layout.between, *_tokens(vocabulary, _masked(vocabulary, second))]
    ids += layout.after
    segments = None
    if sizes.segments > 1:
        segments = tuple(
            int(second is not None and position >= first) for position in range(len(ids))
        )
    begin = sizes.first_position or 0
    blanks = tuple(position for position, id in enumerate(ids) if id == vocabulary.mask_id)
    return Reading(tuple(ids), segments, tuple(range(begin, begin + len(ids))), blanks=blanks)


def _masked(vocabulary: Vocabulary, text: str) -> str:
    if GAP.search(text) and vocabulary.mask_id is None:
        raise UserError("this vocabulary has no mask token, which [MASK] and ___ stand for")
    return with_masks(vocabulary, text)


def _text_to_text(
    vocabulary: Vocabulary, framing: Framing, text: str, second: str | None
) -> Reading:
    sides = []
    for side in (text, second or ""):
        numbered, gaps = with_sentinels(side) if GAP.search(side) else (side, 0)
        if gaps:
            vocabulary.sentinel(gaps - 1)  # that there are as many
        sides.append(_tokens(vocabulary, numbered))
    inputs = (*framing.before, *sides[0], *framing.after)
    return Reading(inputs, targets=None if second is None else (*sides[1], framing.end))


def _decoder(vocabulary: Vocabulary, text: str, second: str | None) -> Reading:
    if second is not None:
        raise UserError("a GPT reads one text; leave the second one out")
    blank = GAP.search(text)
    # The space before the blank belongs to the token that is to come.
    ids = _tokens(vocabulary, text[: blank.start()].rstrip() if blank else text)
    if not ids:
        raise UserError("a GPT reads the text before the blank, and there is none")
    return Reading(tuple(ids), positions=tuple(range(len(ids))), cut=blank is not None)


def _words(vocabulary: Vocabulary, text: str, second: str | None) -> Reading:
    if second is not None:
        raise UserError("a model of words reads one text; leave the second one out")
    if vocabulary.unk_id is None:
        raise UserError("this vocabulary has no unknown word, which takes the place of a blank")
    ids: list[int] = []
    blanks = []
    for number, part in enumerate(GAP.split(text)):
        if number:
            blanks.append(len(ids))
            ids.append(vocabulary.unk_id)
        ids += _tokens(vocabulary, part)
    return Reading(tuple(ids), blanks=tuple(blanks))


def _tokens(vocabulary: Vocabulary, text: str) -> list[int]:
    ids: list[int] = vocabulary.encode(text.strip()).ids.tolist()
    return ids


def _check_length(reading: Reading, longest: int) -> None:
    if len(reading.ids) > longest:
        raise UserError(
            f"the text has {len(reading.ids)} tokens, special ones included; this model reads "
            f"{longest}: shorten it"
        )


Batch = dict[str, Tensor]


def as_batch(reading: Reading, network: nn.Module) -> Batch:
    """Return a batch of the one sequence, `[1, length]` each, on the network's device."""
    inputs = {
        "input_ids": reading.ids,
        "token_type_ids": reading.segments,
        "labels": reading.targets,
    }
    device = next(network.parameters()).device
    return {
        name: torch.tensor([ids], device=device) for name, ids in inputs.items() if ids is not None
    }


def with_targets(loaded: LoadedModel, reading: Reading) -> Reading:
    """Generate the targets of a T5 that has none, greedily; leave other readings unchanged."""
    network = loaded.network
    family = family_of(network.config)
    if isinstance(network, FeatureModel) and family.kind != "encoder":
        body = with_article(family.title)
        raise UserError(f"{loaded.name} reads the features of {body}; inspect that model itself")
    if not isinstance(network, TextToText) or reading.targets is not None:
        return reading
    eos_id = framing_of(loaded.vocabulary, *sizes_of(network.config).framed).end
    longest = TextConfig.check(loaded.extra.get("text", {}), loaded.name).max_targets
    special = DecoderTokens(network.start_id, (eos_id,))
    batch, decoding = as_batch(reading, network), GenerationConfig(max_new_tokens=longest)
    [[generated]] = generate_ids(network, batch, special, decoding)
    ended = len(generated.ids) < longest
    return replace(reading, targets=(*generated.ids, *([eos_id] if ended else [])))
