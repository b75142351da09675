"""Taking the spaces out that BERT's vocabularies put around punctuation.

BERT splits at every punctuation mark and does not keep whether a space stood there. What is written
is joined as English prints it:

>>> joined('the " u. s. " paid $ 10, 000 ( 5. 5 % ) to saint - denis at 10 : 30')
'the "u.s." paid $10,000 (5.5%) to saint-denis at 10:30'
"""

import re

_RULES = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"\s+", " "),
        (r" ([.,;:!?%)\]}])", r"\1"),  # stands at what is before it
        (r"([(\[{#$£€¥]) ", r"\1"),  # and at what follows
        (r"(?<=\w) ?([-–/]) ?(?=\w)", r"\1"),
        (r'" ([^"]*?) ?"', r'"\1"'),
        (r"(?<=[\w\"]) ?([’']) ?(?=(?:s|t|m|d|ll|re|ve)\b)", r"\1"),
        (r"(?<!\d)(\d{1,3}), (?=\d{3}(?!\d))", r"\1,"),
        (r"(,\d{3}), (?=\d{3}(?!\d))", r"\1,"),
        (r"(?<=\d)([.:]) (?=\d)", r"\1"),
        (r"\b([^\W\d_])\. (?=[^\W\d_]\.)", r"\1."),  # initials
    )
)


def joined(text: str) -> str:
    """Return a text of BERT's tokens, decoded, with spaces where English has them."""
    for pattern, new in _RULES:
        text = pattern.sub(new, text)
    return text.strip()
