"""How fast web text is cleaned by the rules of C4, beside datatrove's own pipeline.

    python -m benchmarks.cleaning --texts openstax/*.gz wikipedia/*.gz books-00*.gz --megabytes 30

Both read the same JSON lines in one task, keep English pages by py3langid, clean lines and pages,
drop sentences that stand in a three-sentence span from before, and write JSON lines. Sentences and
words are told by headwater's splitters in both, since datatrove's need models that are downloaded.
Seconds are of the processor, with all processes that were started, by turns. To read JSON lines,
datatrove needs orjson.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

MEGABYTE = 1_000_000
PAGE = 3000  # characters at least
SIDES = ("headwater", "datatrove")


def write_pages(files: Sequence[Path], size: int, output: Path) -> int:
    """Write pages of some files, a like share of each, and return the bytes of their texts."""
    written = 0
    with output.open("w", encoding="utf-8") as target:
        for file in files:
            limit = written + size // len(files)
            for text in _texts(file):
                if written >= limit:
                    break
                target.write(json.dumps({"text": text, "id": str(written)}) + "\n")
                written += len(text.encode())
    return written


def _texts(file: Path) -> Iterator[str]:
    """Yield paragraphs, as many together as a page of the web has."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            page = ""
            for paragraph in json.loads(line)["text"].split("\n\n"):
                page += " ".join(paragraph.split()) + "\n"
                if len(page) >= PAGE:
                    yield page
                    page = ""
            yield page


def used(command: Sequence[str]) -> float:
    """Return the seconds of the processor that a command takes, with its processes."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command}: ended with status {status}")
    return usage.ru_utime + usage.ru_stime


def command(side: str, pages: Path, output: Path) -> list[str]:
    """Return what cleans the pages."""
    if side == "datatrove":
        return [sys.executable, "-m", "benchmarks.cleaning", "--peer", str(pages), str(output)]
    given = ["--set", "rules.language_detector=py3langid", "--workers", "1"]
    own = [sys.executable, "-m", "headwater", "corpus", "clean", str(pages)]
    return [*own, "--output", str(output), *given]


def peer(pages: Path, output: Path) -> None:
    """Clean pages by datatrove."""
    from datatrove.pipeline.dedup import sentence_dedup as dedup
    from datatrove.pipeline.filters import LambdaFilter, c4_filters
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter
    from datatrove.utils import text as splitting
    from datatrove.utils.hashing import HashConfig

    from headwater.corpus.cleaning.languages import detector
    from headwater.corpus.cleaning.near_duplicates import Words
    from headwater.text.sentences import sentences

    class Sentences(Words):
        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return list(sentences(text))

        def sent_tokenize(self, text: str) -> list[str]:
            return [text[begin:end] for begin, end in sentences(text)]

    def load(language: str) -> Sentences:
        return Sentences()

    def split(text: str, language: str = "") -> list[str]:
        return [text[begin:end] for begin, end in sentences(text)]

    dedup.load_word_tokenizer = splitting.load_word_tokenizer = load
    c4_filters.split_into_sentences = dedup.split_into_sentences = split
    language_of = detector("py3langid")

    def english(page: object) -> bool:
        language, probability = language_of(getattr(page, "text", ""))
        return bool(language == "en" and probability >= 0.99)

    config = dedup.SentDedupConfig(
        min_doc_words=0,
        min_num_sentences=5,
        only_dedup_in_index=False,
        hash_config=HashConfig(64, "sha1"),
    )
    cleaned, signatures, found = (str(output / name) for name in ("cleaned", "signs", "found"))
    first = [
        JsonlReader(str(pages.parent), glob_pattern=pages.name),
        c4_filters.C4QualityFilter(),
        LambdaFilter(english),
        JsonlWriter(cleaned),
        dedup.SentenceDedupSignature(signatures, config=config),
    ]
    last = [
        JsonlReader(cleaned),
        dedup.SentenceDedupFilter(found, config=config),
        JsonlWriter(str(output / "kept")),
    ]
    for steps in (first, [dedup.SentenceFindDedups(signatures, found, config=config)], last):
        data = None
        for step in steps:
            data = step.run(data, 0, 1)
        for _ in data or ():
            pass


def main() -> None:
    """Measure by turns."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--texts", type=Path, nargs="+", help=".jsonl.gz")
    parser.add_argument("--megabytes", type=float, default=30)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--peer", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        peer(*options.peer)
        return
    with tempfile.TemporaryDirectory() as name:
        pages = Path(name, "pages.jsonl")
        size = write_pages(options.texts, int(options.megabytes * MEGABYTE), pages)
        rates: dict[str, list[float]] = {side: [] for side in SIDES}
        for turn in range(options.turns):
            for side in SIDES:
                output = Path(name, f"{side}-{turn}")
                rates[side].append(size / MEGABYTE / used(command(side, pages, output)))
        for side in SIDES:
            kept = sum(
                gzip.decompress(file.read_bytes()).count(b"\n")
                for file in Path(name, f"{side}-0", "kept").iterdir()
            )
            shown = ", ".join(f"{rate:.2f}" for rate in rates[side])
            print(f"{side}: {shown} MB/s a core; {kept:,} pages kept")
        ratios = sorted(a / b for a, b in zip(*(rates[side] for side in SIDES), strict=True))
        low, middle, high = ratios[0], statistics.median(ratios), ratios[-1]
        print(f"headwater / datatrove: {middle:.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
