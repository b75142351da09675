"""Learning a vocabulary of a chosen size: WordPiece, byte-level BPE, Unigram or whole words.

BPE joins, over and over, the pair of tokens that stands side by side most often (Sennrich et al.
2016, section 3.2). WordPiece is learned the same way here, as the library `tokenizers` does it;
the original choice, by likelihood (Schuster and Nakajima 2012), was never published as code.
Unigram starts from very many tokens and drops those that the likelihood of the text misses least
(Kudo 2018, section 3.2). Whole words, which word vectors need (Mikolov et al. 2013, section 3;
Peters et al. 2018 count their perplexity over words), are split as for WordPiece and numbered by
falling frequency, as `nn/sampled.py` expects; of equally common ones the first by letters is first.
Pairs joined:

    low low low lower lowest  ->  lo + w  ->  Ġ + low  ->  Ġlow + e  ->  ...

`size` counts every row that an embedding needs, the special tokens and sentinels with it:

    wordpiece  [PAD] [UNK] [CLS] [SEP] [MASK], letters, ##letters, tokens       ids 0 to 4 first
    bpe        the 256 bytes, tokens, <|endoftext|>                             as GPT-2's
    unigram    <pad> </s> <unk>, tokens, <extra_id_99> ... <extra_id_0>         as T5's
    word       [PAD] [UNK] [EOS], the commonest words and punctuation marks

The same texts and the same choices give the same vocabulary, on any number of cores.
"""

import io
import json
import logging
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import normalize

from sentencepiece import SentencePieceTrainer
from tokenizers import Tokenizer
from tokenizers.models import BPE, WordLevel, WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer, ByteLevel
from tokenizers.trainers import BpeTrainer, WordLevelTrainer, WordPieceTrainer

from headwater.arguments import refuse_half_characters
from headwater.errors import UserError, counted, did_you_mean
from headwater.files import check_free, replace_file, replacing_folder
from headwater.signals import exiting, killing
from headwater.text.loading import load_vocabulary
from headwater.text.tokenizer_json import USUAL_TOKENS, describe_words
from headwater.text.unigram import SENTINELS
from headwater.text.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

SENTENCES = 500_000  # Unigram holds about 25 bytes for each character of what it learns from
COVERAGE = 0.9999
LONGEST_SENTENCE = 200  # characters, so that a sample of sentences is a sample of the text
RAREST_PAIR = 2  # what stands in the text once is no pattern of it
RAREST_WORD = 2  # one that stands there once has no company to learn it from
END_OF_TEXT = "<|endoftext|>"

Files = dict[str, str | bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class VocabularyPlan:
    """What is wanted of a vocabulary.

    kind: `wordpiece`, `bpe`, `unigram` or `word`.
    size: the tokens in all, special tokens and sentinels with them.
    lower_case: drop case and accents, as bert-base-uncased; WordPiece and words can.
    letters: characters that are tokens however rare they are, such as `äöüß`.
    coverage: the share of the text's characters whose letters become tokens; the rarest of the
        others are unknown. A byte-level BPE knows every letter and words are taken whole: neither
        asks for `letters` or `coverage`.
    """

    kind: str
    size: int
    lower_case: bool = False
    letters: str = ""
    coverage: float = COVERAGE

    def __post_init__(self) -> None:
        if self.kind not in LEARNERS:
            hint = did_you_mean(self.kind, LEARNERS)
            raise UserError(f"kind {self.kind!r}: no such vocabulary; {hint}")
        if self.lower_case and self.kind not in ("wordpiece", "word"):
            raise UserError(f"lower case: a {self.kind} vocabulary keeps case; leave it out")
        if self.letters and self.kind == "bpe":
            raise UserError("letters: a byte-level BPE knows every letter; leave them out")
        if self.letters and self.kind == "word":
            raise UserError(
                "letters: words are taken whole, whatever their letters; leave them out"
            )
        if not 0.98 <= self.coverage <= 1:
            raise UserError(f"coverage {self.coverage}: a share from 0.98 to 1 was expected")


def train_vocabulary(
    plan: VocabularyPlan,
    texts: Iterable[str],
    output: Path,
    *,
    sentences: int = SENTENCES,
) -> Vocabulary:
    """Learn a vocabulary and write its standard files, which `transformers` opens too.

    Args:
        plan: what is wanted.
        texts: read once; of a text's lines, those longer than 200 characters are cut at a space.
        output: the folder to make; nothing is there until all of it is.
        sentences: from more lines than this, so many are drawn evenly (the same ones each time).
    """
    check_free(output)
    if sentences < 1:
        raise UserError(f"sentences {sentences}: at least 1 was expected")
    sample, found = _draw(_sentences(texts), sentences)
    if not sample:
        raise UserError("no text to learn from: the inputs are empty or unreadable")
    with killing():
        logger.info(
            f"learning {plan.size:,} tokens from {len(sample):,} of {counted(found, 'sentence')}"
        )
        files = LEARNERS[plan.kind](plan, sample)
    with exiting(), replacing_folder(output) as folder:
        for name, content in files.items():
            replace_file(folder / name, content)
        vocabulary = load_vocabulary(folder)
        assert vocabulary.size == plan.size
        vocabulary.save(folder)
    return vocabulary


def _sentences(texts: Iterable[str]) -> Iterator[str]:
    """Yield the lines that hold something; no token reaches over a space, so a cut costs none."""
    for text in texts:
        refuse_half_characters(text)
        for line in text.splitlines():
            yield from (part for part in _cut(line) if not part.isspace())


def _cut(line: str) -> Iterator[str]:
    start = 0
    while len(line) - start > LONGEST_SENTENCE:
        end = line.rfind(" ", start + 1, start + LONGEST_SENTENCE)
        end = end if end > 0 else start + LONGEST_SENTENCE
        yield line[start:end]
        start = end
    if start < len(line):
        yield line[start:]


def _draw(items: Iterable[str], count: int) -> tuple[list[str], int]:
    """Draw `count` items, each as likely as another (Vitter 1985, algorithm R), and count all."""
    drawn: list[str] = []
    generator, total = random.Random(0), 0
    for total, item in enumerate(items, start=1):
        if total <= count:
            drawn.append(item)
        elif (index := int(generator.random() * total)) < count:
            drawn[index] = item
    return drawn, total


def _learn_wordpiece(plan: VocabularyPlan, sample: Sequence[str]) -> Files:
    normalizer = BertNormalizer(lowercase=plan.lower_case)
    splitter = BertPreTokenizer()
    letters = _alphabet((normalizer.normalize_str(line) for line in sample), plan.coverage)
    letters |= set(normalizer.normalize_str(plan.letters)) - {" "}
    alphabet = sorted(letters)
    # Punctuation and Chinese characters are words of their own, which nothing continues.
    pairs = {c: normalizer.normalize_str(f"a{c}") for c in alphabet}
    continuing = [c for c in alphabet if len(splitter.pre_tokenize_str(pairs[c])) == 1]
    # The trainer numbers what it meets in the order of a hash table, which is another each time,
    # and breaks ties by number: with every letter numbered beforehand nothing is left to chance.
    first = [*USUAL_TOKENS["WordPiece"].values(), *alphabet, *(f"##{c}" for c in continuing)]
    if plan.size < len(first):
        raise _too_small(plan, len(first))
    trainer = WordPieceTrainer(
        vocab_size=plan.size,
        min_frequency=RAREST_PAIR,
        special_tokens=first,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    ids = _learned(tokenizer, trainer, sample)["vocab"]
    if len(ids) < plan.size:
        raise _too_large(plan, len(ids))
    settings = {"do_lower_case": plan.lower_case}
    lines = "".join(f"{token}\n" for token in sorted(ids, key=ids.__getitem__))
    return {"vocab.txt": lines, "tokenizer_config.json": json.dumps(settings)}


def _alphabet(lines: Iterable[str], coverage: float) -> set[str]:
    """Return the commonest characters that make up this share of the text; spaces do not count."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line)
    counts = Counter({c: n for c, n in counts.items() if not c.isspace()})
    wanted, letters = coverage * counts.total(), set()
    for letter, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if wanted <= 0:
            break
        letters.add(letter)
        wanted -= count
    return letters


def _learn_bpe(plan: VocabularyPlan, sample: Sequence[str]) -> Files:
    letters = ByteLevel.alphabet()
    if plan.size < len(letters) + 1:
        raise _too_small(plan, len(letters) + 1)
    trainer = BpeTrainer(
        vocab_size=plan.size - 1,
        min_frequency=RAREST_PAIR,
        initial_alphabet=letters,
        show_progress=False,
    )
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    model = _learned(tokenizer, trainer, sample)
    ids = model["vocab"] | {END_OF_TEXT: len(model["vocab"])}
    if len(ids) < plan.size:
        raise _too_large(plan, len(ids))
    pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    merges = "".join(f"{line}\n" for line in ["#version: 0.2", *pairs])
    return {"vocab.json": json.dumps(ids, ensure_ascii=False), "merges.txt": merges}


def _learn_unigram(plan: VocabularyPlan, sample: Sequence[str]) -> Files:
    model = io.BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(sample),
            model_writer=model,
            model_type="unigram",
            vocab_size=max(plan.size - SENTINELS, 3),  # of too few the library tells itself
            character_coverage=plan.coverage,
            required_chars="".join(normalize("NFKC", plan.letters).split()),
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            num_threads=16,  # the sums, and so the last digits, depend on it: not on the machine
            minloglevel=3,
        )
    except RuntimeError as error:
        raise _explained(plan, str(error)) from None
    return {"spiece.model": model.getvalue()}


def _learn_words(plan: VocabularyPlan, sample: Sequence[str]) -> Files:
    special = USUAL_TOKENS["WordLevel"]
    if plan.size <= len(special):
        raise _too_small(plan, len(special) + 1)
    tokenizer = Tokenizer(WordLevel(unk_token=special["unk"]))
    tokenizer.normalizer = BertNormalizer(lowercase=plan.lower_case)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    trainer = WordLevelTrainer(
        vocab_size=plan.size,
        min_frequency=RAREST_WORD,
        special_tokens=list(special.values()),
        show_progress=False,
    )
    ids = _learned(tokenizer, trainer, sample)["vocab"]
    if len(ids) < plan.size:
        raise _too_large(plan, len(ids))
    content = describe_words(ids, lower_case=plan.lower_case)
    return {"tokenizer.json": json.dumps(content, ensure_ascii=False)}


LEARNERS: dict[str, Callable[[VocabularyPlan, Sequence[str]], Files]] = {
    "wordpiece": _learn_wordpiece,
    "bpe": _learn_bpe,
    "unigram": _learn_unigram,
    "word": _learn_words,
}


def _learned(tokenizer: Tokenizer, trainer: Any, sample: Sequence[str]) -> dict[str, Any]:
    """Return the model as `tokenizer.json` describes it."""
    tokenizer.train_from_iterator(sample, trainer=trainer)
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    return model


def _explained(plan: VocabularyPlan, message: str) -> Exception:
    """Return what sentencepiece says, which counts no sentinels, as one clear line."""
    if found := re.search(r"Please set it to a value <= (\d+)", message):
        return _too_large(plan, int(found[1]) + SENTINELS)
    if found := re.search(r"smaller than required_chars\. \d+ vs (\d+)", message):
        return _too_small(plan, int(found[1]) + SENTINELS)
    if "sentences_.empty()" in message or "all_chars_count" in message:
        return UserError("no text to learn from: the inputs hold nothing but control characters")
    return RuntimeError(message)


def _too_large(plan: VocabularyPlan, most: int) -> UserError:
    return UserError(
        f"size {plan.size}: these texts give {most} tokens at most; add texts or ask for fewer"
    )


def _too_small(plan: VocabularyPlan, least: int) -> UserError:
    if plan.kind == "word":
        return UserError(
            f"size {plan.size}: the special tokens and one word alone are {least}; ask for more"
        )
    advice = "ask for more" if plan.kind == "bpe" else "ask for more, or for less coverage"
    return UserError(
        f"size {plan.size}: the special tokens and the letters alone are {least}; {advice}"
    )
