"""Make questions without an answer of those in `people.json`: the paragraph nearly answers them.

    python recipes/reader/made.py runs/reader [SHARE]

writes `made.json`: for SHARE of the questions (0.25), half of them on their paragraph without the
sentence that answers, half on the paragraph nearest by its rare words, of all sets together, that
lacks the answer.
"""

import argparse
import random
from pathlib import Path

from rows import Row, squad_rows, write_rows

from headwater.data.example import AnswerSpan
from headwater.questions.passages import Passage
from headwater.questions.round_trip import Question
from headwater.questions.unanswerable import Nearest, without_sentence


def main() -> None:
    """Read the questions, draw, make, write."""
    parser = argparse.ArgumentParser(description="Make questions without an answer.")
    parser.add_argument("folder", type=Path, help="where people.json is")
    parser.add_argument("share", type=float, nargs="?", default=0.25, help="of the questions")
    options = parser.parse_args()
    folder, share = options.folder, options.share
    rows = list(squad_rows(str((folder / "people.json").resolve())))
    titles = {row.context: row.title for row in rows}
    texts = sorted(titles)
    passages = {text: Passage(order, titles[text], text) for order, text in enumerate(texts)}
    nearest = Nearest(list(passages.values()))
    drawn = random.Random(0).sample(rows, round(share * len(rows)))
    made = []
    for number, row in enumerate(drawn):
        text, start = row.answers[0]
        question = Question(passages[row.context], row.question, AnswerSpan(text, start), 1.0)
        context: str | None
        if number % 2:
            found = nearest.find(question)
            context, kind = (found.text if found else None), "near"
        else:
            context, kind = without_sentence(question), "removed"
        if context is not None:
            made.append(
                Row(f"{row.id}-{kind}", row.question, context, (), titles.get(context, row.title))
            )
    print("made", write_rows(folder / "made.json", made))


if __name__ == "__main__":
    main()
