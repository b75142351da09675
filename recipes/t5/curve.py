"""More pre-training, better answers: fine-tune models of several ages on SQuAD, and draw the curve.

    python recipes/t5/curve.py OUTPUT random=0 MODEL=TOKENS ...

Each MODEL is a folder of `t5-mini` as it was after so many tokens of pre-training. All are
fine-tuned by recipes/t5/curve.toml, and 2,000 questions of SQuAD v1.1 dev are answered by each.
Writes OUTPUT/curve.md, curve.csv and curve.png; runs that are finished are not repeated.
"""

import argparse
import csv
import io
import json
import sys
from pathlib import Path

from headwater.files import replace_file
from headwater.pictures.figure import new_figure, write_png

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where verbs.py stands
from verbs import finetuned, scored

DEV = Path("../shared/data/qa/squad_v1.1/dev-v1.1.json")
QUESTIONS = 2000


def main() -> None:
    """Train and score each, then write the table and the plot."""
    parser = argparse.ArgumentParser(description="Draw answers by tokens of pre-training.")
    parser.add_argument("output", type=Path)
    parser.add_argument("models", nargs="+", metavar="MODEL=TOKENS")
    options = parser.parse_args()
    output = options.output
    output.mkdir(parents=True, exist_ok=True)
    dev = output / "dev.json"
    if not dev.exists():
        replace_file(dev, json.dumps(_first(json.loads(DEV.read_text("utf-8")))))
    rows = []
    for given in options.models:
        model, _, tokens = given.rpartition("=")
        rows.append((int(tokens), *_scores(output / f"tokens-{tokens}", model, dev)))
    rows.sort()
    table = "| tokens seen | F1 | exact match |\n|---|---|---|\n"
    table += "".join(f"| {n:,} | {f1:.1f} | {exact:.1f} |\n" for n, f1, exact in rows)
    replace_file(output / "curve.md", table)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("tokens", "f1", "exact_match"), *rows])
    replace_file(output / "curve.csv", text.getvalue())
    figure = new_figure(6, 4)
    axes = figure.add_subplot()
    for column, name in ((1, "F1"), (2, "exact match")):
        axes.plot([row[0] / 1e6 for row in rows], [row[column] for row in rows], "o-", label=name)
    axes.set(
        xlabel="million tokens of pre-training", ylabel=f"SQuAD v1.1 dev, {QUESTIONS} questions"
    )
    axes.legend()
    axes.grid(alpha=0.3)
    write_png(figure, output / "curve.png")
    print(table)


def _scores(run: Path, model: str, dev: Path) -> tuple[float, float]:
    random = model == "random"
    recipe = f"recipes/t5/{'random' if random else 'curve'}.toml"
    found = scored(finetuned(run, recipe, [] if random else [f"model={model}"]), "squad", dev)
    return found["f1"], found["exact_match"]


def _first(squad: dict) -> dict:
    """Return the first questions of every article, as many of each, QUESTIONS in all."""
    each, articles = QUESTIONS // len(squad["data"]) + 1, []
    left = QUESTIONS
    for article in squad["data"]:
        room, paragraphs = min(each, left), []
        for paragraph in article["paragraphs"]:
            asked = paragraph["qas"][:room]
            room -= len(asked)
            left -= len(asked)
            if asked:
                paragraphs.append({"context": paragraph["context"], "qas": asked})
        articles.append({"title": article["title"], "paragraphs": paragraphs})
    return {"version": squad["version"], "data": articles}


if __name__ == "__main__":
    main()
