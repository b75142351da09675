"""Generate cloze questions from raw text, for practice before real questions.

A phrase is removed from a sentence and is the answer. For half of the questions, the paragraph
still contains the sentence. For the other half the sentence is removed, and the phrase occurs once
more in another sentence, so matching words is not enough (Dhingra, Pruthi, Rajagopal 2018, "Simple
and Effective Semi-Supervised Question Answering"; Glass et al. 2020, "Span Selection Pre-training
for Question Answering").

    python recipes/reader/cloze.py FILE.json --text A.jsonl.gz ... --without SQUAD.json ...

writes a SQuAD file. Paragraphs that are contexts of the `--without` files are skipped.
"""

import argparse
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from headwater.data.span_files import read_squad
from headwater.files import replace_file
from headwater.text.phrases import MONTHS, WORD, phrases
from headwater.text.sentences import sentences

PARAGRAPH = (300, 1100)  # characters of a paragraph
PER_PARAGRAPH = 2
CLAUSE = 6  # the fewest words of a question
DROPPED = 0.15  # share of a question's words dropped if its sentence stays in the paragraph
_MONTH = re.compile(rf"\b({MONTHS})\b")


def main() -> None:
    """Read the text, make the questions, write them."""
    parser = argparse.ArgumentParser(description="Make cloze questions from raw text.")
    parser.add_argument("output", type=Path)
    parser.add_argument("--text", type=Path, nargs="+", required=True, help=".jsonl.gz files")
    parser.add_argument("--without", type=Path, nargs="+", default=[], help="SQuAD files")
    parser.add_argument("--paragraphs", type=int, default=3000, help="the most of each file")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    generator = np.random.Generator(np.random.Philox(options.seed))
    passed_over = {example.context for example in read_squad(options.without)}
    data = []
    for file in options.text:
        paragraphs = [text for text in _paragraphs(file) if text not in passed_over]
        chosen = generator.permutation(len(paragraphs))[: options.paragraphs]
        made = [_ask(paragraphs[index], generator) for index in sorted(chosen)]
        entries = [
            {"context": context, "qas": [question]} for each in made for context, question in each
        ]
        for number, entry in enumerate(entries):
            entry["qas"][0]["id"] = f"{file.name}:{number}"
        data.append({"title": file.name, "paragraphs": entries})
        print(f"{file}: {len(chosen)} paragraphs, {len(entries)} questions")
    replace_file(options.output, json.dumps({"version": "cloze", "data": data}))


def _paragraphs(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            for paragraph in json.loads(line)["text"].split("\n"):
                if PARAGRAPH[0] <= len(paragraph) <= PARAGRAPH[1]:
                    yield paragraph


def _ask(paragraph: str, generator: np.random.Generator) -> list[tuple[str, dict]]:
    """Return up to PER_PARAGRAPH (context, question) pairs, of different sentences."""
    found = [
        (sentence, phrase)
        for sentence in sentences(paragraph)
        for phrase in phrases(paragraph, *sentence)
    ]
    elsewhere = [each for each in found if _without_sentence(paragraph, *each) is not None]
    made: dict[tuple[int, int], tuple[str, dict]] = {}
    for turn in range(PER_PARAGRAPH):
        pool = elsewhere if turn == 0 and elsewhere else found
        pool = [each for each in pool if each[0] not in made]
        if not pool:
            break
        sentence, phrase = pool[generator.integers(len(pool))]
        asked = _question(paragraph, sentence, phrase, generator, noisy=pool is found)
        if asked is None:
            continue
        text = paragraph[slice(*phrase)]
        context, start = paragraph, phrase[0]
        other = _without_sentence(paragraph, sentence, phrase)
        if other is not None and turn == 0:
            context, start = other
        made[sentence] = (
            context,
            {"question": asked, "answers": [{"text": text, "answer_start": start}]},
        )
    return list(made.values())


def _without_sentence(
    text: str, sentence: tuple[int, int], phrase: tuple[int, int]
) -> tuple[str, int] | None:
    """Return the text without the sentence and the phrase's offset, if it occurs once; or None."""
    rest = (text[: sentence[0]] + text[sentence[1] + 1 :]).strip()
    found = list(re.finditer(rf"(?<!\w){re.escape(text[slice(*phrase)])}(?!\w)", rest))
    return (rest, found[0].start()) if len(found) == 1 else None


def _question(
    text: str,
    sentence: tuple[int, int],
    phrase: tuple[int, int],
    generator: np.random.Generator,
    *,
    noisy: bool,
) -> str | None:
    before, after = text[sentence[0] : phrase[0]], text[phrase[1] : sentence[1]]
    clause_before, clause_after = re.split(r"[,;:(]", before)[-1], re.split(r"[,;:)]", after)[0]
    if len(WORD.findall(clause_before + clause_after)) >= CLAUSE:
        before, after = clause_before, clause_after
    left, right = _kept(before, generator, noisy), _kept(after, generator, noisy)
    if len(left) + len(right) < CLAUSE:
        return None
    wh = _wh(text[slice(*phrase)], generator)
    words = [*left, wh, *right] if generator.random() < 0.5 else [wh, *right, *left]
    return " ".join(words) + "?"


def _kept(text: str, generator: np.random.Generator, noisy: bool) -> list[str]:
    words = WORD.findall(text)
    if not noisy:
        return words
    return [word for word in words if generator.random() >= DROPPED]


def _wh(answer: str, generator: np.random.Generator) -> str:
    if re.fullmatch(r"1\d{3}|20[0-2]\d", answer) or _MONTH.search(answer):
        return ("when", "what year")[generator.integers(2)]
    if answer[0].isdigit():
        return "how many"
    if answer[0].isupper():
        return ("who", "what", "which", "where")[generator.integers(4)]
    return "what"


if __name__ == "__main__":
    main()
