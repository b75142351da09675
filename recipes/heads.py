"""Train, bundle and measure the models on the bundled reader's body; their cards get the scores.

python recipes/heads.py              both
python recipes/heads.py tagger       one of tagger, sentiment

They are refused on any other reader, so run this again after the reader has changed. Interrupted
runs continue. Runs are in runs/NAME; delete those of an older reader.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from verbs import headwater

DATA, ASSETS = Path("../shared/data"), Path("src/headwater/assets")
SETS = {
    "tagger": (
        ("WNUT-17 test", "wnut17", "ner/wnut17/emerging.test.annotated", "f1"),
        ("WNUT-17 dev", "wnut17", "ner/wnut17/emerging.dev.conll", "f1"),
        ("Broad Twitter test (F)", "btc", "ner/btc/f.conll", "f1"),
        ("Broad Twitter dev (H)", "btc", "ner/btc/h.conll", "f1"),
    ),
    "sentiment": (("SST-2 dev", "sst2", "glue/SST-2/dev.tsv", "accuracy"),),
}
TABLE = re.compile(r"^\| set \|.*?\n(?=\n)", re.MULTILINE | re.DOTALL)


def measured(name: str) -> str:
    """Score the bundled model on its sets, each once, and return the table."""
    lines = ["| set | task | file | metric | score |", "|---|---|---|---|---|"]
    for title, task, file, metric in SETS[name]:
        given = ("--model", ASSETS / name, "--task", task, "--data", DATA / file, "--json")
        score = json.loads(headwater("evaluate", *given))[metric]
        lines.append(f"| {title} | `{task}` | `{file}` | {metric} | {score:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make each of the named models."""
    parser = argparse.ArgumentParser(description="Train, bundle and measure what reads by a head.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SETS)}; else all")
    names = parser.parse_args().names
    if unknown := set(names) - SETS.keys():
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    for name in names or SETS:
        run, folder = Path("runs") / name, ASSETS / name
        headwater("finetune", f"recipes/{name}.toml", "--output", run, "--resume")
        subprocess.run([sys.executable, "recipes/bundle.py", run, folder], check=True)
        card = folder / "README.md"
        table = measured(name)
        card.write_text(TABLE.sub(table, card.read_text("utf-8"), count=1), "utf-8")
        print(table)


if __name__ == "__main__":
    main()
