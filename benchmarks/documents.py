"""How often an index finds the paragraph that answers, how fast, how large it is, and its answers.

    python -m benchmarks.documents --data dev-v1.1.json --distractors DATA/text/*/*.jsonl.gz

The paragraphs of the data, in SQuAD's format, stand among passages of other texts. A hit is a
passage of the question's own paragraph that holds one of its answers. `recall@k` is the share of
questions with a hit among the first k, MRR the mean of 1 / rank of the first hit. Times are of the
processor, but for percentiles, which are of the clock. With `--model` some of the questions are
answered too. With `--folder` documents and index are kept; given again, they are used again.

With `--calibrate` the answers' settings are chosen on the questions, and kept in the index. With
`--calibrated OTHER.index` questions are answered by those of another index too.

With `--peers DIR` other libraries search the same passages: DIR has a virtual environment for each.
bm25s needs bm25s and PyStemmer, tantivy tantivy, and haystack haystack-ai, transformers-haystack,
transformers and torch. haystack reads too, with the bundled reader.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.document_answers import answer
from benchmarks.document_data import Question, questions_of, write_distractors
from benchmarks.document_peers import PEERS
from benchmarks.document_runs import Found, found_by, show
from headwater.documents.asking import Asking
from headwater.documents.index import Index, open_index
from headwater.documents.update import build
from headwater.evaluation.index_calibration import calibrate_index
from headwater.evaluation.index_evaluator import RANKS
from headwater.inference.loaded import load


def search(index: Index, questions: Sequence[Question]) -> Found:
    """Search for every question; the first is not timed, since it opens what the others use."""
    index.search(questions[0].text, max(RANKS))
    begin = time.process_time()
    ranks = [
        each.rank((hit.file, hit.text) for hit in index.search(each.text, max(RANKS)))
        for each in questions
    ]
    return Found("headwater", ranks, time.process_time() - begin)


def parsed() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="SQuAD's format")
    parser.add_argument("--distractors", type=Path, nargs="*", default=[], help=".jsonl.gz")
    parser.add_argument("--count", type=int, default=20_000, help="how many distractors")
    parser.add_argument("--questions", type=int, default=None, help="only so many, drawn")
    parser.add_argument("--folder", type=Path, help="for documents and x.index, which are kept")
    parser.add_argument("--vectors", help="a model whose vectors find passages too")
    parser.add_argument("--engine", help="sqlite, tantivy or a URL of PostgreSQL")
    parser.add_argument("--titles", action="store_true", help="each paragraph under its title")
    parser.add_argument("--model", help="answers questions too")
    parser.add_argument("--asked", type=int, default=1000, help="how many it answers, drawn")
    parser.add_argument("--read", type=int, default=Asking().read, help="passages that it reads")
    parser.add_argument("--calibrate", action="store_true", help="on all of the data")
    parser.add_argument("--calibrated", type=Path, help="an index whose calibration is taken")
    parser.add_argument("--peers", type=Path, help="a folder of virtual environments")
    return parser.parse_args()


def run(options: argparse.Namespace, folder: Path) -> None:
    """Build an index in a folder, and measure."""
    documents, path = folder / "documents", folder / "x.index"
    documents.mkdir(parents=True, exist_ok=True)
    questions = questions_of(options.data, documents, options.titles)
    if not path.exists():
        write_distractors(options.distractors, options.count, documents, options.titles)
    build([documents], path, vectors=options.vectors, engine=options.engine)
    if options.questions is not None:
        questions = random.Random(0).sample(questions, options.questions)
    asked = random.Random(0).sample(questions, min(options.asked, len(questions)))
    model = load(options.model) if options.model else None
    if options.calibrate:
        print(calibrate_index(path, [options.data], options.model, options.read))
    with open_index(path) as index:
        summary = index.summary()
        print(f"questions  {len(questions):,}")
        print(f"passages   {summary.passages:,}")
        print(f"size       {summary.size / summary.characters:.2f} bytes a character")
        show(search(index, [each for each in questions if each.answers]))
        if model:
            answer(index, asked, model, options.read, options.calibrated)
    if options.peers:
        for name in PEERS:
            reads = name == "haystack"
            found_by(name, path, asked if reads else questions, options.peers, folder)


def main() -> None:
    """Measure in a folder that is kept, or in a temporary one."""
    options = parsed()
    if options.folder:
        run(options, options.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        run(options, Path(name))


if __name__ == "__main__":
    main()
