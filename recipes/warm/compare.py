"""An encoder-decoder that starts from a BERT beside the same one from random weights.

    python recipes/warm/compare.py OUTPUT [--set a.b=VALUE ...]

Multi30k from English to German, and the summaries of SciTLDR (Rothe et al. 2020 do both tasks on
larger sets). Both sides take the same steps, each with its own learning rate, chosen on held-out
data. The test sets are scored once. The German has no capitals and no accents, as the tokens have
none. Writes OUTPUT/table.md; what is finished is not repeated, and what was stopped goes on. --set
changes all runs.
"""

import argparse
import gzip
import sys
import unicodedata
from pathlib import Path

from headwater.files import replace_file

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where verbs.py stands
import verbs

HERE, DATA, TEXT = Path("recipes/warm"), Path("../shared/data"), Path("runs/warm/text")
TASKS = {
    "translate": ("translate_en_de", TEXT / "test_2016_flickr.en", ("bleu",)),
    "summarize": (
        "scitldr",
        DATA / "summarization/scitldr_a/test.jsonl",
        ("rouge1", "rouge2", "rougeL"),
    ),
}
RATES = "learning_rate=1e-4,3e-4,1e-3"


def main() -> None:
    """Train and score both sides of both tasks, and write the table."""
    parser = argparse.ArgumentParser(description="Compare warm starts with random weights.")
    parser.add_argument("output", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="a.b=VALUE", dest="settings")
    options = parser.parse_args()
    for part in ("train", "val", "test_2016_flickr"):
        for language in ("en", "de"):
            _prepare(DATA / f"translation/multi30k/{part}.{language}.gz", TEXT)
    table = "| task | start | learning rate | test set |\n|---|---|---|---|\n"
    for name, (task, test, metrics) in TASKS.items():
        for start, recipe in (("random", f"{name}-random"), ("MiniLM", name)):
            folder = options.output / recipe
            tuned = verbs.tuned(folder, f"{HERE / recipe}.toml", [RATES], 1, options.settings)
            found = verbs.scored(tuned.runs[0], task, test)
            shown = ", ".join(f"{metric} {found[metric]:.2f}" for metric in metrics)
            rate = tuned.settings["training.learning_rate"]
            table += f"| {task} | {start} | {rate} | {shown} |\n"
    replace_file(options.output / "table.md", table)
    print(table)


def _prepare(packed: Path, folder: Path) -> None:
    """Write a file of sentences as MiniLM's tokens can spell them."""
    file = folder / packed.stem
    if file.exists():
        return
    with gzip.open(packed, "rt", encoding="utf-8") as lines:
        letters = unicodedata.normalize("NFD", lines.read().lower())
    plain = "".join(each for each in letters if unicodedata.category(each) != "Mn")
    replace_file(file, plain)


if __name__ == "__main__":
    main()
