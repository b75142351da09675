"""Index real documents: the manuals of Debian packages, the Factbook, and textbooks.

    python benchmarks/real_documents.py --folder DIR --also openstax/*.gz factbook/*.gz
    headwater evaluate --index DIR/x.index --data benchmarks/real_questions/tuning.jsonl

It downloads the packages by apt-get (of Debian 12), unpacks them without installing, and indexes
their HTML, text, Markdown and PDFs in English. `kept.jsonl` is for the end: nothing was chosen by
it. Each question stands with its answers and the file they stand in; a third have no answer.
"""

import argparse
import re
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from headwater.documents.index import Index, open_index
from headwater.documents.update import Options, build
from headwater.text_files import suffix_of

PACKAGES = (
    *("python3.11-doc", "libcairo2-doc", "debian-handbook", "debian-reference-en"),
    *("developers-reference", "graphviz-doc", "graphviz", "gnuplot-doc", "valgrind", "nettle-dev"),
    *("bzip2-doc", "fontconfig", "libtasn1-doc", "zlib1g-dev", "shared-mime-info", "gap-doc"),
    *("ffmpeg-doc", "git-doc", "nodejs-doc", "postgresql-doc-15", "maint-guide", "debian-policy"),
    *("bash-doc", "groff", "sqlite3-doc", "stilts-doc", "avrdude-doc"),
)
INCLUDE = (
    *("*.html", "*.pdf", "*.txt", "*.md"),
    *("*.html.gz", "*.pdf.gz", "*.txt.gz", "*.md.gz", "*.jsonl.gz"),
)
EXCLUDE = (
    "_sources",
    "*/html/[a-df-z][a-z]-[A-Z][A-Z]",
    "*/el-GR",
    "*/es-ES",
    "RelNotes",
    "*/ffmpeg/api",
)

_VERSION = re.compile(r"\s*(?:-?\d|\(|\b(?:version|command)\b)", re.IGNORECASE)


def unpack(folder: Path) -> Path:
    """Download and unpack the packages, once."""
    root, packages = folder / "root", folder / "debs"
    if not root.exists():
        packages.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", *PACKAGES], cwd=packages, check=True)
        for package in sorted(packages.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, root], check=True)
    return root


def makers(files: Sequence[Path]) -> Counter[str]:
    """Count the programs that made PDFs, without their versions."""
    import pypdfium2

    from headwater.streams import read_most

    found = Counter[str]()
    for file in files:
        with pypdfium2.PdfDocument(read_most(file, 2**28)) as pdf:
            found[_VERSION.split(pdf.get_metadata_value("Producer"))[0] or "?"] += 1
    return found


def show(index: Index) -> None:
    """Print what is in the index, by the ends of names, and why files are not."""
    rows = list(index.files())
    kinds = Counter(suffix_of(Path(row.path)) for row in rows if row.status == "indexed")
    reasons = Counter(row.reason for row in rows if row.status == "failed")
    print(f"indexed   {dict(kinds.most_common())}")
    print(f"failed    {dict(reasons.most_common(8))}")
    pdfs = [Path(row.path) for row in rows if row.status == "indexed" and ".pdf" in row.path]
    print(f"makers    {dict(makers(pdfs).most_common())}")
    summary = index.summary()
    print(f"passages  {summary.passages:,} of {summary.characters:,} characters")
    print(f"size      {summary.size / summary.characters:.2f} bytes a character")


def main() -> None:
    """Unpack, index, and say what is in the index."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="for packages and index")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="more files or folders")
    parser.add_argument("--workers", type=int, default=1, help="processes that convert")
    options = parser.parse_args()
    sources = [unpack(options.folder) / "usr" / "share", *options.also]
    begin = time.perf_counter()
    output = options.folder / "x.index"
    report = build(sources, output, INCLUDE, EXCLUDE, Options(workers=options.workers))
    print(f"{report} in {time.perf_counter() - begin:.0f} s")
    with open_index(output) as index:
        show(index)


if __name__ == "__main__":
    main()
