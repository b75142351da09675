"""Ask a reader the 30 questions of `page/` on its tables and lists, and show what it says.

    python recipes/reader/page.py MODEL

The files and questions were written before the reader was trained on any table.
"""

import argparse
from pathlib import Path

import headwater
from headwater.metrics.qa import exact_match, f1

PAGE = Path(__file__).parent / "page"


def main() -> None:
    """Ask all, print question, answer and what was expected, count."""
    parser = argparse.ArgumentParser(description="Ask a reader about tables and lists.")
    parser.add_argument("model")
    model = headwater.load(parser.parse_args().model)
    right = exact = 0
    lines = (PAGE / "questions.tsv").read_text(encoding="utf-8").splitlines()
    for line in lines:
        name, question, expected = line.split("\t")
        [answer] = model.answer(question, (PAGE / name).read_text(encoding="utf-8"))
        said = answer.text or "(no answer)"
        same, near = exact_match(said, expected), f1(said, expected) >= 0.5
        exact, right = exact + bool(same), right + bool(near)
        mark = "=" if same else "~" if near else "x"
        print(f"{mark} {name:12}{question:50} {said!r} ({expected}) {answer.score:.2f}")
    print(f"right {right} of {len(lines)} (F1 >= 0.5), exactly {exact}")


if __name__ == "__main__":
    main()
