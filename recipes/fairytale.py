"""Write FairytaleQA's questions whose first answer stands in the story as a file of SQuAD's format.

    python recipes/fairytale.py FILE.json --data fairytaleqa/test.csv [--questions N]

FairytaleQA (Xu et al. 2022, "Fantastic Questions and Where to Find Them") has answers that people
wrote. Of the others, with a first answer that is no part of the section, a reader of spans can
answer none as it was written. Second answers count where they stand in the section, too. The dot
at the end of an answer is left out. `--questions` draws as many of them, always the same.
"""

import argparse
import json
from pathlib import Path
from random import Random

from headwater.data.table_file import read_rows
from headwater.files import replace_file


def main() -> None:
    """Read the table, write the file, say how many questions there are."""
    parser = argparse.ArgumentParser(description="FairytaleQA in SQuAD's format.")
    parser.add_argument("output", type=Path)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="its .csv files")
    parser.add_argument("--questions", type=int, help="how many to draw; else all")
    options = parser.parse_args()
    stories: dict[str, dict[str, list[dict]]] = {}
    rows = kept = 0
    for file in options.data:
        for row in read_rows(file):
            rows += 1
            section = row.text("content")
            cells = (row.cells.get(name) or "" for name in ("answer1", "answer2"))
            texts = [cell.strip(" .") for cell in cells]
            places = [
                {"text": text, "answer_start": section.find(text)}
                for text in dict.fromkeys(texts)
                if text and text in section
            ]
            if not texts[0] or texts[0] not in section:
                continue
            kept += 1
            record = {"id": f"{file.stem}-{row.line}", "question": row.text("question")}
            sections = stories.setdefault(row.text("story_name"), {})
            sections.setdefault(section, []).append({**record, "answers": places})
    if options.questions is not None:
        _draw(stories, options.questions)
        kept = options.questions
    data = [
        {
            "title": story,
            "paragraphs": [{"context": text, "qas": qas} for text, qas in sections.items() if qas],
        }
        for story, sections in stories.items()
        if any(sections.values())
    ]
    replace_file(options.output, json.dumps({"version": "1.1", "data": data}))
    print(f"{kept} of {rows} questions")


def _draw(stories: dict[str, dict[str, list[dict]]], number: int) -> None:
    """Keep only so many questions, drawn with seed 0."""
    asked = [qas for sections in stories.values() for qas in sections.values()]
    ids = [qa["id"] for qas in asked for qa in qas]
    if not 1 <= number <= len(ids):
        raise SystemExit(f"--questions: from 1 to {len(ids)}, not {number}")
    Random(0).shuffle(ids)
    kept = set(ids[:number])
    for qas in asked:
        qas[:] = [qa for qa in qas if qa["id"] in kept]


if __name__ == "__main__":
    main()
