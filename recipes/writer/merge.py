"""Put SQuAD files of generated questions together, each question once.

    python recipes/writer/merge.py OUTPUT.json FILE.json ...

A question has the same id in every file that asks it of the same passage.
"""

import argparse
import json
from pathlib import Path

from headwater.files import replace_file


def main() -> None:
    """Read the files in their order, drop what occurred before, write one."""
    parser = argparse.ArgumentParser(description="Put files of generated questions together.")
    parser.add_argument("output", type=Path)
    parser.add_argument("files", type=Path, nargs="+", help="SQuAD files")
    options = parser.parse_args()
    seen: set[str] = set()
    articles, again, lacking = [], 0, 0
    for file in options.files:
        for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                new = [each for each in paragraph["qas"] if each["id"] not in seen]
                again += len(paragraph["qas"]) - len(new)
                lacking += sum(not each["answers"] for each in new)
                seen.update(each["id"] for each in new)
                paragraph["qas"] = new
            articles.append(article)
    replace_file(options.output, json.dumps({"version": "v2.0", "data": articles}))
    print(f"{len(seen):,} questions, {lacking:,} unanswerable; {again:,} had occurred before")


if __name__ == "__main__":
    main()
