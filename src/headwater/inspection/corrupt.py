"""`headwater inspect corrupt`: what the noise of an objective makes of one text.

    original   Thank you {for inviting} me to your party {last} week
    inputs     Thank you <extra_id_0> me to your party <extra_id_1> week </s>
    targets    <extra_id_0> for inviting <extra_id_1> last </s>

It is the very objective that pre-trains, on a store that holds this text alone. Without a model the
tokens are the words of the text.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from headwater.checkpoints.hub import resolve
from headwater.checkpoints.vocabularies import vocabulary_of
from headwater.config import load_config
from headwater.data.token_arrays import Ints, Longs
from headwater.errors import UserError, did_you_mean
from headwater.inspection.batch import lines
from headwater.inspection.spelling import Speller
from headwater.objectives.names import OBJECTIVES, ObjectiveConfig
from headwater.pictures.page import Element, Heading, Page, Shown
from headwater.text.settings import Settings
from headwater.text.tokenizer import TokenizerVocabulary
from headwater.text.tokenizer_json import describe_words
from headwater.text.unigram import SENTINELS
from headwater.text.vocabulary import Vocabulary

NOISY: Mapping[str, Mapping[str, Any]] = {
    "mlm": {"mlm": {"next_sentence": False, "packing": True}},
    "replaced_tokens": {"mlm": {"next_sentence": False, "packing": True}},
    "span_corruption": {"span_corruption": {"packing": True}},
}
"""The objectives with noise, and what lets them read one text whole."""

_LONGEST = 512  # of the inputs, as in pre-training; a longer text has several parts
_ROLES = {"pad": "[PAD]", "unk": "[UNK]", "eos": "</s>"}
_ENCODER = {"cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}


@final
@dataclass(frozen=True, slots=True)
class OneText:
    """A store of one document; see `objectives.sequences.Store`."""

    tokens: Ints

    @property
    def documents(self) -> Longs:
        """Where the only document begins and ends."""
        return np.array([0, len(self.tokens)], np.int64)

    @property
    def sentences(self) -> Longs:
        """It is one sentence, too."""
        return self.documents

    @property
    def fingerprint(self) -> str:
        """A digest of the tokens."""
        return hashlib.sha256(self.tokens.tobytes()).hexdigest()


def corrupted(
    text: str, objective: str, seed: int, model: str | None, settings: Sequence[str]
) -> Shown:
    """Return a text as an objective would have it read and predicted.

    Args:
        model: whose vocabulary cuts the text; None: into words.
        settings: `a.b=VALUE` texts, such as `span_corruption.mean_span=2`.
    """
    if objective not in NOISY:
        raise UserError(f"objective {objective!r} has no noise; {did_you_mean(objective, NOISY)}")
    vocabulary = _words(text) if model is None else vocabulary_of(resolve(model))
    tokens = vocabulary.encode(text).ids
    if len(tokens) < 2:
        raise UserError("the text has fewer than two tokens; noise needs some and leaves some")
    options: dict[str, Any] = {"objective": objective, "corpus": {"train": ["-"]}}
    options |= {table: dict(values) for table, values in NOISY[objective].items()}
    if objective == "span_corruption":
        options[objective]["inputs"] = min(len(tokens) + 2, _LONGEST)
    config = load_config(ObjectiveConfig, None, settings, options)
    made = OBJECTIVES[objective].build(config, OneText(tokens), vocabulary, seed, True)
    kind, speller = OBJECTIVES[objective].shown(config, True), Speller(vocabulary)
    found = [
        text
        for feature in made.features(np.arange(len(made)), 0)
        for text in lines(kind, feature, speller)
    ]
    elements: list[Element] = []
    for number, each in enumerate(found, start=1):
        elements += [Heading(f"part {number} of {len(found)}")] * (len(found) > 1)
        elements += each
    plain = [{line.label: "".join(s.text for s in line.spans) for line in each} for each in found]
    content = {"objective": objective, "seed": seed, "texts": plain}
    return Shown(content, Page(f"{objective}, seed {seed}", tuple(elements)))


def _words(text: str) -> Vocabulary:
    """Return a vocabulary of the words of a text, with all that objectives ask for."""
    sentinels = [f"<extra_id_{number}>" for number in range(SENTINELS)]
    special = [*_ROLES.values(), *_ENCODER.values(), *sentinels]
    clean = BertNormalizer(lowercase=False).normalize_str(text)
    words = [word for word, _ in BertPreTokenizer().pre_tokenize_str(clean)]
    ids = {token: id for id, token in enumerate(dict.fromkeys([*special, *words]))}
    content = describe_words(ids, special, lower_case=False)
    return TokenizerVocabulary(content, Settings({**_ROLES, **_ENCODER}), Path("words"))
