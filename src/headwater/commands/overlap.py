"""`headwater overlap`: what of a test stands in training text."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from headwater.commands.terminal import (
    Json,
    TextField,
    argument,
    described,
    echo,
    option,
    print_json,
)

if TYPE_CHECKING:
    from headwater.evaluation.overlap import Overlap

_SHOWN, _WIDTH = 10, 100  # texts that are shown, and characters of each


@described("Tell which texts of a test stand in training text, and the score without them.")
def overlap(
    train: Annotated[
        list[Path],
        argument("Training text: files, folders, or runs.", "TRAIN"),
    ],
    test: Annotated[Path, option("The test: a task's file, lines of text, or JSON.", "FILE")],
    task: Annotated[
        str | None, option("Whose file the test is [each line or text is an item].", "TASK")
    ] = None,
    predictions: Annotated[
        Path | None, option("Official predictions file of the test: scores of the rest.", "FILE")
    ] = None,
    text_field: TextField = "text",
    json: Json = False,
) -> None:
    from headwater.evaluation.overlap import overlap as look

    found = look(train, test, task, predictions, text_field=text_field)
    if json:
        print_json(found.to_dict())
        return
    for line in lines(found):
        echo(line)


def lines(found: "Overlap") -> Iterator[str]:
    """Yield what a person reads.

    10570 items against 2,104,331 words of training text
    question  10570 texts  12 with 8 words in common  0 overlapping  310 too short to tell
    context    2067 texts  20 with 8 words in common  2 overlapping
    40 of 10570 items have 8 words in common (0.38%)
    9 of 10570 items overlap (0.09%)
      context of 56beace93aeaaa14008c91e2, 21% of its 8-grams, in books/a.txt
        the words that both have
    all             10570  exact_match 78.60 (77.81 to 79.38)
    """
    yield f"{found.items} items against {found.words:,} words of training text"
    width = max(map(len, found.parts))
    for name, part in found.parts.items():
        short = f"  {part.short} too short to tell" if part.short else ""
        yield (
            f"{name:{width}}  {part.texts} texts  {part.matched} with 8 words in common"
            f"  {part.overlapping} overlapping{short}"
        )
    for ids, what in (
        (found.matched, "have 8 words in common"),
        (found.overlapping, "overlap"),
    ):
        yield f"{len(ids)} of {found.items} items {what} ({len(ids) / found.items:.2%})"
    shown: set[str] = set()
    for each in found.found:
        matched = each.match.matched
        if matched in shown or len(shown) == _SHOWN:
            continue
        shown.add(matched)
        share = each.match.share
        yield f"  {each.part} of {each.id}, {share:.0%} of its 8-grams, in {each.match.source}"
        yield f"    {matched[: _WIDTH - 1] + '…' if len(matched) > _WIDTH else matched}"
    for name, scores in found.scores.items():
        measured = (
            f"{metric} {scores.metrics[metric]:.2f} ({low:.2f} to {high:.2f})"
            for metric, (low, high) in scores.intervals.items()
        )
        yield f"{name:11}  {scores.examples:6}  {'  '.join(measured)}"
