"""Mask salient spans: sentences from which a name or a date is left out, for a T5 to write.

    python recipes/t5/salient.py runs/salient.jsonl [--sentinel "<extra_id_0>"]

(Guu et al. 2020, "REALM", section 3.4; Roberts et al. 2020, "How Much Knowledge Can You Pack Into
the Parameters of a Language Model?", section 3: one span of a sentence at a time.) The sentences
are of the Wikipedia paragraphs, the Factbook and OpenStax. A sentence gives one example for each of
its names and dates, at most three; what stands before a colon or a dash is a heading, and no name.
"""

import argparse
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

from headwater.files import replace_file
from headwater.questions.candidates import draw
from headwater.text.sentences import sentences

TEXT = Path("../shared/data/text")
FILES = (
    "wikipedia_passages_cc_by_sa/wikipedia_passages.jsonl.gz",
    "world_factbook_public_domain/factbook.jsonl.gz",
    "openstax_cc_by/openstax-00-of-02.jsonl.gz",
    "openstax_cc_by/openstax-01-of-02.jsonl.gz",
)
LENGTH = (40, 300)  # characters of a sentence
MOST = 3
HEADING = re.compile(r"[^.,;]{0,30}(:| - )")


def main() -> None:
    """Read the text, mask, write."""
    parser = argparse.ArgumentParser(description="Mask names and dates.")
    parser.add_argument("output", type=Path)
    parser.add_argument("--sentinel", default="<extra_id_0>")
    options = parser.parse_args()
    lines = []
    for file in FILES:
        before = len(lines)
        for sentence in _sentences(TEXT / file):
            for each in draw(sentence, ("name", "date"), MOST, 0):
                if HEADING.match(sentence, each.end):
                    continue
                masked = f"{sentence[: each.start]}{options.sentinel}{sentence[each.end :]}"
                answer = sentence[each.start : each.end]
                target = f"{options.sentinel} {answer}"
                line = {"input": masked, "target": target, "answer": answer}
                lines.append(json.dumps(line, ensure_ascii=False))
        print(f"{file}: {len(lines) - before} examples")
    replace_file(options.output, "\n".join(lines) + "\n")


def _sentences(file: Path) -> Iterator[str]:
    """Yield the sentences, each once; those of the Factbook's records have their country before."""
    seen = set()
    with gzip.open(file, "rt", encoding="utf-8") as records:
        for record in records:
            text = json.loads(record)["text"]
            title = text.split("\n", 1)[0] if "factbook" in file.name else ""
            for start, end in sentences(text):
                sentence = " ".join(text[start:end].split())
                if title and title not in sentence:
                    sentence = f"{title}: {sentence}"
                if LENGTH[0] <= len(sentence) <= LENGTH[1] and sentence not in seen:
                    seen.add(sentence)
                    yield sentence


if __name__ == "__main__":
    main()
