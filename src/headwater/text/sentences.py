"""Cutting text into sentences, and finding the one that holds a span.

An answer is shown with the sentence that is its evidence; next-sentence pairs are made of whole
sentences.

A sentence ends at `.`, `!` or `?` (and closing quotes, and the mark of a footnote) when white space
follows and then something that begins one: a capital, a digit, an opening quote or bracket. It does
not end at the dot of an abbreviation (`Dr. Smith`), an initial (`J. S. Bach`), a list number or
inside a number. Before lower case only a dot that stands apart ends one, as in text that was cut
into tokens (`he won . then it rained .`). The marks of other scripts, such as `।` and `。`, end one
whatever follows. A blank line ends one; so does a single line break after a short line or before a
list item, while a line break inside a paragraph that was wrapped at a fixed width does not.

Around a span, a list item, a row of a table or a `key: value` is not cut: it is shown as it stands.

>>> text = "It was Dr. Reed. He won 3.5 points! Then it rained."
>>> start, end = sentence_around(text, text.index("won"), text.index("won") + 3)
>>> text[start:end]
'He won 3.5 points!'
>>> [text[start:end] for start, end in sentences(text)]
['It was Dr. Reed.', 'He won 3.5 points!', 'Then it rained.']
"""

import re
from collections.abc import Iterator

from headwater.text.lines import REACH, SHORT_LINE, block_around, stands_alone

LONGEST_LINE = 300  # characters of a list item, table row or `key: value` shown whole

# Marks that end a sentence whatever follows: those of Unicode's property Sentence_Terminal in
# scripts without capitals, and Tibetan's shad.
_MARKS = (
    r"\u061d-\u061f\u06d4\u0700-\u0702\u07f9"  # Arabic, Urdu, Syriac, N'Ko
    r"\u0964\u0965\u0f0d-\u0f11\u104a\u104b"  # danda, Tibetan, Burmese
    r"\u1362\u1367\u1368\u166e\u17d4\u17d5\u1803\u1809\u1944\u1945"  # Ethiopic, Khmer, Mongolian
    r"\u1c7e\u1c7f\u2e2e\u3002\ua4ff\ua60e\ua60f\ua8ce\ua8cf\ua9c8\ua9c9\uabeb"
    r"\ufe52\ufe56\ufe57\uff01\uff1f\uff61"  # the small, wide and half-wide forms
)
_STOPS = r".!?…‼‽⁇-⁉"  # a run of them is looked at once, from its start
_OPENING = r"""(?:["'“‘«(\[¿¡„‚‹»›]|(?<=«)[ \u00a0\u202f])*"""
# What stands right after a mark belongs to it: closing quotes, marks of footnotes ([3], (a), ²).
_CLOSING = (
    r"""(?:["'”’»)\]“‘«›‹」』】]|[ \u00a0\u202f]»(?!\w)"""
    r"|\[[^\[\]\n]{1,24}\]|\([a-z]\)|[¹²³⁰⁴-⁹†‡])*+"
)
_END = re.compile(
    rf"(?P<stop>(?<![{_STOPS}])[{_STOPS}]++{_CLOSING})(?P<space>\s+)(?={_OPENING}[^\W_])"
    r"|(?P<own>(?:(?<![\u0964\u0965])[\u0964\u0965]++[^\S\n]?\d+"  # the number of a verse
    r"[^\S\n]?\u0965"
    rf"|[{_MARKS}]|[\u0589\uff0e](?!\d))+{_CLOSING}(?!と|って|、|，)"  # Armenian; a wide point
    rf"|(?<![!?])[!?]++{_CLOSING}(?=[\u3040-\u30ff\u3400-\u9fff]))"
    r"|(?P<line>(?<![^\S\n])[^\S\n]*+\n\s*)"
)
_LAST_WORD = re.compile(r"((?:[^\W\d_]\.)*[^\W_]+)$")
_NEXT_WORD = re.compile(rf"{_OPENING}([^\W_]+)(\.?)")
_ITEM = re.compile(r"[-*•#>|]|\d+[.)]\s|[a-z]\)\s")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# After these a name or a number follows; the sentence goes on.
_TITLES = _words("""
    mr mrs ms messrs mme dr prof st sts sen rep gen col maj capt cpt cmdr lt sgt cpl adm rev fr
    hon gov pres supt no nos fig figs eq vol vols ch sec pp p pg ed eds vs v cf ca c approx mt
    ft viz al jan feb mar apr jun jul aug sep sept oct nov dec e.g i.e
""")
# After these a sentence may go on or end: it ends when a word follows that often begins one.
_OPEN = _words("""
    jr sr inc ltd co corp bros etc dept univ assn ave blvd rd a.m p.m ph.d
""")
_STARTERS = _words("""
    the a an in on at it its he she they we you i this that these those there his her their our
    my as after before when while during since until if although though however but and or so by
    for from to with under over some many most all each both other another one two three what
    who how why where not no then thus
""")


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield the characters `(start, end)` of every sentence, in order.

    White space at both sides is left out; every other character is in exactly one sentence.
    """
    first = 0
    for stop, begin in boundaries(text, 0, len(text)):
        if not text[first:stop].isspace() and first < stop:
            yield _without_space(text, first, stop)
        first = begin
    if first < len(text) and not text[first:].isspace():
        yield _without_space(text, first, len(text))


def sentence_around(context: str, start: int, end: int) -> tuple[int, int]:
    """Return the characters `(start, end)` of the sentence that holds `context[start:end]`.

    A span that reaches over several sentences gets all of them. White space at both sides is left
    out. Nothing farther than REACH characters from the span is looked at.
    """
    low, high = block_around(context, start, end)
    if 0 < high - low <= min(LONGEST_LINE, len(context) - 1) and stands_alone(context[low:high]):
        return _without_space(context, low, high)
    first = low if low > start - REACH else _next_space(context, low, start)
    last = high if high < end + REACH else _space_before(context, high, end)
    for stop, begin in boundaries(context, low, high):
        if begin <= start:
            first = begin
        elif stop >= end:
            last = stop
            break
    return _without_space(context, first, last)


def _without_space(context: str, first: int, last: int) -> tuple[int, int]:
    text = context[first:last]
    return first + len(text) - len(text.lstrip()), first + len(text.rstrip())


def _next_space(context: str, low: int, start: int) -> int:
    found = re.compile(r"\s").search(context, low, start)
    return found.end() if found else low


def _space_before(context: str, high: int, end: int) -> int:
    last = max(context.rfind(space, end, high) for space in (" ", "\n", "\t"))
    return last if last >= 0 else high


def boundaries(context: str, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield where each sentence ends and where the next one begins."""
    for match in _END.finditer(context, low, high):
        if match["own"]:
            yield match.end(), match.end()
        elif match["line"] is not None:
            if _ends_line(context, match):
                yield match.start(), match.end()
        elif _ends_line(context, match) or _ends_sentence(context, match):
            yield match.end("stop"), match.end()


def _ends_line(context: str, match: re.Match[str]) -> bool:
    """Tell whether the white space of a match parts two paragraphs, headings or list items."""
    space = match["line"] if match["line"] is not None else match["space"]
    if "\n" not in space:
        return False
    if space.count("\n") > 1 or _ITEM.match(context, match.end()):
        return True
    if context[match.end() : match.end() + 1].islower():
        return False
    line = context[max(0, match.start() - SHORT_LINE) : match.start()]
    return len(line) < SHORT_LINE or "\n" in line


def _ends_sentence(context: str, match: re.Match[str]) -> bool:
    following = _NEXT_WORD.match(context, match.end())
    if following is None or not (following[1][0].isupper() or following[1][0].isdigit()):
        if following is None:  # quotes that begin in lower case
            return False
        return not following[1][0].islower() or _is_apart(context, match)
    if match["stop"][0] != ".":
        return True
    before = _LAST_WORD.search(context, max(0, match.start() - 20), match.start())
    if before is None:
        return True
    word = before[1]
    if word.lower() in _TITLES:
        return False
    line = context[max(0, before.start() - SHORT_LINE) : before.start()].rpartition("\n")[2]
    if word.isdigit() and not line.strip():
        return False  # "1. First" at the start of a line
    if word.lower() in _OPEN or "." in word or (len(word) == 1 and word.isupper()):
        return following[1].lower() in _STARTERS and not following[2]
    return True


def _is_apart(context: str, match: re.Match[str]) -> bool:
    """Tell whether a dot has a space on both sides, and is none of several, as in `well . . .`."""
    before = context[max(0, match.start() - 2) : match.start()]
    return match["stop"] == "." and before.endswith(" ") and before[:1] not in (".", " ")
