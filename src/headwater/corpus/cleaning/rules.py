"""The rules of C4 that look at one page (Raffel et al. 2020, section 2.2), as pure functions.

A page goes for what is anywhere in it; else its lines are looked at one by one, and then the
page of the lines that stay. Each page and each line is counted under the first rule that drops it:

    Menu                                        no_end_mark
    Enable JavaScript to see it.                javascript
    It rained.                                  too_few_words
    The mill was built in 1843.[2] It stands.   stays, without [2]

where a page of these four lines then goes by too_few_sentences. The published code of C4 differs
from the paper's words in a few places (docs/cleaning.md); the paper is followed.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from headwater.corpus.cleaning.bad_words import BadWords
from headwater.corpus.cleaning.config import RulesConfig
from headwater.text.sentences import sentences

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
    """A line, or sentences of one, that a rule took out of a page."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules make of a page.

    text: the lines that stay.
    removed: the lines that do not, in order.
    citations: how many citation markers were taken out of lines.
    rule: what drops the page, or None: it stays.
    why: what was found there, in a word or two.
    """

    text: str = ""
    removed: tuple[Removed, ...] = ()
    citations: int = 0
    rule: str | None = None
    why: str = ""

    @property
    def lines(self) -> int:
        """How many lines stayed."""
        return self.text.count("\n") + 1 if self.text else 0


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules with all that they need to know.

    language_of: gives the language of a text and its probability.
    bad_words: the list to look for; None looks for nothing.
    """

    config: RulesConfig
    language_of: Callable[[str], tuple[str, float]]
    bad_words: BadWords | None

    def judge(self, page: str) -> Verdict:
        """Clean a page and say whether it stays."""
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
    """Return the lines that stay, those that do not, and how many citation markers went.

    Lines without a character are in neither list.
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
