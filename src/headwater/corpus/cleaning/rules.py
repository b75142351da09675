"""The rules of C4 that look at one page (Raffel et al. 2020, section 2.2), as pure functions.

First the whole page is judged, then each of its lines, then the page of the lines that are kept.
Each page and each line counts under the first rule that drops it:

    Menu                                        no_end_mark
    Enable JavaScript to see it.                javascript
    It rained.                                  too_few_words
    The mill was built in 1843.[2] It stands.   kept, without [2]

A page of these four lines is then dropped by too_few_sentences. The published code of C4 differs
from the paper's words in a few places (docs/cleaning.md); the paper is followed.

Further rules, which are off unless they are asked for, look at the lines of a page as it was read
(`line_statistics`).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, final

from pydantic import Field

from headwater.config import Config
from headwater.corpus.cleaning.languages import Detector
from headwater.corpus.cleaning.line_statistics import END_MARKS, LineStatistics, line_statistics
from headwater.errors import UserError
from headwater.files import read_text
from headwater.text.sentences import sentences

Share = Annotated[float, Field(ge=0, le=1)]


class RulesConfig(Config):
    """What a page must be like (Raffel et al. 2020, section 2.2).

    min_words: a line with fewer words is dropped.
    min_sentences: a page with fewer sentences in its kept lines is dropped; so is one whose
        sentences are repeated from other pages.
    whole_page: "lorem ipsum", curly brackets and words of the list drop a page anywhere in it, as
        in the paper; false: only in kept lines, as in C4's published code.
    language: the code of the language to keep.
    language_probability: a page with a lower probability of that language is dropped.
    language_detector: `langdetect`, as in the paper, or `py3langid`, which is quicker.

    Of no rule of C4's, and off:
        most_short_lines: a page with a larger share of short lines is dropped.
        most_repeated_lines: a page with a larger share of characters in lines that stood on it
            before is dropped.
        least_ended_lines: a page with a smaller share of lines that end in an end mark is dropped.
        repeated_words: runs of so many words that stand earlier in the set are taken out; 0: none.
        near_duplicates: pages that are nearly an earlier one are dropped.
    """

    min_words: Annotated[int, Field(ge=0)] = 3
    min_sentences: Annotated[int, Field(ge=0)] = 5
    whole_page: bool = True
    language: str = "en"
    language_probability: Share = 0.99
    language_detector: Detector = "langdetect"
    most_short_lines: Share = 1.0
    most_repeated_lines: Share = 1.0
    least_ended_lines: Share = 0.0
    repeated_words: Annotated[int, Field(ge=0)] = 0
    near_duplicates: bool = False

    @property
    def further(self) -> list[str]:
        """The rules of `FURTHER_RULES` that are on."""
        fields = type(self).model_fields
        return [
            rule for rule, key in _SETTINGS.items() if getattr(self, key) != fields[key].default
        ]


class CleaningConfig(Config):
    """The rules, and where they run.

    executor: `datatrove`'s options for a cluster, such as a Slurm `partition`.
    """

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


PAGE_RULES: Final = {
    "lorem_ipsum": 'holds "lorem ipsum"',
    "curly_bracket": "holds a curly bracket",
    "too_few_sentences": "too few sentences in the lines that stay",
    "language": "not surely in the language wanted",
    "bad_words": "holds a word of the list",
    "repeated": "too few sentences once those that other pages have are out",
}
FURTHER_RULES: Final = {
    "short_lines": "too many short lines",
    "repeated_lines": "too much in lines that stood on it before",
    "few_ended_lines": "too few lines that end in an end mark",
    "repeated_words": "too few sentences once runs of words that came before are out",
    "near_duplicate": "nearly a page before it",
}
"""Those of no rule of C4's."""
_SETTINGS: Final = {
    "short_lines": "most_short_lines",
    "repeated_lines": "most_repeated_lines",
    "few_ended_lines": "least_ended_lines",
    "repeated_words": "repeated_words",
    "near_duplicate": "near_duplicates",
}
"""The setting that switches each of them on."""
LINE_RULES: Final = {
    "no_end_mark": "ends in no terminal punctuation mark",
    "too_few_words": "too few words",
    "javascript": 'holds the word "javascript"',
    "policy": "a notice of terms, privacy or cookies",
}
REPEATED_SPAN: Final = "repeated_span"
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

    def judge(self, page: str, lines: LineStatistics | None = None) -> Verdict:
        """Clean a page and decide whether it is kept.

        Args:
            lines: its statistics, if they are known.
        """
        if self.config.whole_page and (rule := _no_prose(page)):
            return Verdict(rule=rule)
        if fault := self._lines_fault(line_statistics(page) if lines is None else lines):
            return Verdict(rule=fault[0], why=fault[1])
        kept, removed, citations = clean_lines(page, self.config.min_words)
        text = "\n".join(kept)
        rule, why = self._fault(page if self.config.whole_page else text, text, kept)
        return Verdict(text, tuple(removed), citations, rule, why)

    def _lines_fault(self, lines: LineStatistics) -> tuple[str, str] | None:
        """Return the rule that drops a page for what its lines are like, and their share."""
        config = self.config
        shares = lines.shares
        for name, rule, wrong in (
            ("short", "short_lines", shares["short"] > config.most_short_lines),
            ("repeated", "repeated_lines", shares["repeated"] > config.most_repeated_lines),
            ("ended", "few_ended_lines", shares["ended"] < config.least_ended_lines),
        ):
            if wrong:
                return rule, f"{shares[name]:.2f}"
        return None

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
    if not line.endswith(END_MARKS):
        return "no_end_mark"
    if len(line.split()) < min_words:
        return "too_few_words"
    if "javascript" in lowered:
        return "javascript"
    if any(policy in lowered for policy in _POLICIES):
        return "policy"
    return None
