"""The rules of C4 that look at one page (Raffel et al. 2020, section 2.2), as pure functions.

First the whole page is judged, then each of its lines, then the page of the lines that are kept.
Each page and each line counts under the first rule that drops it:

    Menu                                        no_end_mark
    Enable JavaScript to see it.                javascript
    It rained.                                  too_few_words
    The mill was built in 1843.[2] It stands.   kept, without [2]

A page of these four lines is then dropped by too_few_sentences. The published code of C4 differs
from the paper's words in a few places (docs/cleaning.md); the paper is followed.

Languages are recognized by `langdetect`, as in the paper. It has profiles of 55 languages and needs
no network. It samples the n-grams of a text; a fixed seed makes every run judge a page alike.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, final

from pydantic import Field

from headwater.config import Config
from headwater.errors import UserError, did_you_mean
from headwater.files import read_text
from headwater.text.sentences import sentences


class RulesConfig(Config):
    """What a page must be like (Raffel et al. 2020, section 2.2).

    min_words: a line with fewer words is dropped.
    min_sentences: a page with fewer sentences in its kept lines is dropped; so is one whose
        sentences are repeated from other pages.
    whole_page: "lorem ipsum", curly brackets and words of the list drop a page anywhere in it, as
        in the paper; false: only in kept lines, as in C4's published code.
    language: the code of the language to keep, one of `langdetect`.
    language_probability: a page with a lower probability of that language is dropped.
    """

    min_words: Annotated[int, Field(ge=0)] = 3
    min_sentences: Annotated[int, Field(ge=0)] = 5
    whole_page: bool = True
    language: str = "en"
    language_probability: Annotated[float, Field(ge=0, le=1)] = 0.99


class CleaningConfig(Config):
    """The rules, and `datatrove`'s options for a cluster (such as a Slurm partition)."""

    rules: RulesConfig = RulesConfig()
    executor: dict[str, Any] = Field(default_factory=dict)


_WORD = re.compile(r"\w+")


@final
class BadWords:
    """The "List of Dirty, Naughty, Obscene or Otherwise Bad Words" of the paper, read from a file.

    An entry counts where no letter or digit is on either side of it, in capitals or not:

        list: "ass", "big black"      "An Ass!" is found, "a class" is not, "big black" is found
    """

    def __init__(self, entries: Iterable[str]) -> None:
        wanted = {entry.lower() for entry in entries}
        # Most entries are single words, for which a set is far quicker than a long expression.
        self._words = {entry for entry in wanted if _WORD.fullmatch(entry)}
        phrases = sorted(wanted - self._words, key=lambda entry: (-len(entry), entry))
        either = "|".join(map(re.escape, phrases))
        self._phrases = re.compile(rf"(?<!\w)(?:{either})(?!\w)") if phrases else None

    def find(self, text: str) -> str | None:
        """Return an entry that the text contains, or None."""
        text = text.lower()
        found = self._words.intersection(_WORD.findall(text))
        if found:
            return min(found)
        phrase = self._phrases.search(text) if self._phrases else None
        return phrase[0] if phrase else None


def read_bad_words(file: Path) -> tuple[str, ...]:
    """Return the entries of a list, one per line."""
    entries = tuple(line.strip() for line in read_text(file).splitlines() if line.strip())
    if not entries:
        raise UserError(f"{file}: empty; one word or phrase a line was expected")
    return entries


_LOOKED_AT = 100_000  # characters; the detector itself stops after the first 10,000 or so


def language_of(text: str) -> tuple[str, float]:
    """Return the most probable language of a text and its probability; ("none", 0) of no words."""
    from langdetect.lang_detect_exception import LangDetectException

    detector = _factory().create()
    detector.append(text[:_LOOKED_AT])
    try:
        found = detector.get_probabilities()
    except LangDetectException:
        return "none", 0.0
    return (found[0].lang, found[0].prob) if found else ("none", 0.0)


def check_language(code: str) -> None:
    """Refuse a language that cannot be recognized."""
    known = sorted(_factory().get_lang_list())
    if code not in known:
        raise UserError(f"rules.language: {code!r} is not known; {did_you_mean(code, known)}")


@cache
def _factory() -> Any:
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.set_seed(0)
    return factory


PAGE_RULES: Final = {
    "lorem_ipsum": 'holds "lorem ipsum"',
    "curly_bracket": "holds a curly bracket",
    "too_few_sentences": "too few sentences in the lines that stay",
    "language": "not surely in the language wanted",
    "bad_words": "holds a word of the list",
    "repeated": "too few sentences once those that other pages have are out",
}
LINE_RULES: Final = {
    "no_end_mark": "ends in no terminal punctuation mark",
    "too_few_words": "too few words",
    "javascript": 'holds the word "javascript"',
    "policy": "a notice of terms, privacy or cookies",
}
REPEATED_SPAN: Final = "repeated_span"
_END_MARKS = (".", "!", "?", '"', "”")
_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
_POLICIES = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)


class Removed(NamedTuple):
    """A line, or sentences of one, that a rule removed from a page."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of the rules for a page.

    text: the kept lines.
    removed: the dropped lines, in order.
    citations: the number of citation markers removed from lines.
    rule: the rule that drops the page; None: it is kept.
    why: what the rule found, in a word or two.
    """

    text: str = ""
    removed: tuple[Removed, ...] = ()
    citations: int = 0
    rule: str | None = None
    why: str = ""

    @property
    def lines(self) -> int:
        """The number of kept lines."""
        return self.text.count("\n") + 1 if self.text else 0


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules with everything that they need.

    language_of: returns the language of a text and its probability.
    bad_words: the list; None: no list.
    """

    config: RulesConfig
    language_of: Callable[[str], tuple[str, float]]
    bad_words: BadWords | None

    def judge(self, page: str) -> Verdict:
        """Clean a page and decide whether it is kept."""
        if self.config.whole_page and (rule := _no_prose(page)):
            return Verdict(rule=rule)
        kept, removed, citations = clean_lines(page, self.config.min_words)
        text = "\n".join(kept)
        rule, why = self._fault(page if self.config.whole_page else text, text, kept)
        return Verdict(text, tuple(removed), citations, rule, why)

    def _fault(self, looked_at: str, text: str, kept: Sequence[str]) -> tuple[str | None, str]:
        if rule := _no_prose(looked_at):
            return rule, ""
        count = sum(1 for line in kept for _ in sentences(line))
        if count < self.config.min_sentences:
            return "too_few_sentences", str(count)
        language, probability = self.language_of(text)
        if language != self.config.language or probability < self.config.language_probability:
            return "language", f"{language} {probability:.2f}"
        if self.bad_words is not None and (word := self.bad_words.find(looked_at)):
            return "bad_words", word
        return None, ""


def _no_prose(text: str) -> str | None:
    if "lorem ipsum" in text.lower():
        return "lorem_ipsum"
    return "curly_bracket" if "{" in text or "}" in text else None


def clean_lines(page: str, min_words: int) -> tuple[list[str], list[Removed], int]:
    """Return the kept lines, the dropped lines, and the number of citation markers removed.

    Empty lines are in neither list.
    """
    kept, removed, citations = [], [], 0
    for line in filter(None, map(str.strip, page.splitlines())):
        cleared, markers = _CITATION.subn("", line)
        cleared = cleared.strip()
        rule = line_rule(cleared, min_words)
        if rule is None:
            citations += markers
            kept.append(cleared)
        else:
            removed.append(Removed(rule, line))
    return kept, removed, citations


def line_rule(line: str, min_words: int) -> str | None:
    """Return the first of LINE_RULES that drops a line, or None."""
    lowered = line.lower()
    if not line.endswith(_END_MARKS):
        return "no_end_mark"
    if len(line.split()) < min_words:
        return "too_few_words"
    if "javascript" in lowered:
        return "javascript"
    if any(policy in lowered for policy in _POLICIES):
        return "policy"
    return None
