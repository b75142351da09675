"""What faster products cost: scores of whole test sets in bf16 and in float32.

    python -m benchmarks.quality.accuracy --squad dev-v1.1.json
    python -m benchmarks.quality.accuracy --writer MODEL --texts 1000 --squad dev-v1.1.json

The reader answers all questions twice. A writer (a T5 that learned questions) writes as many texts
twice, greedily; the share of equal ones is printed with its standard error. About ten minutes each.
"""

import argparse
from pathlib import Path

import headwater
from benchmarks.harness.run import equal
from benchmarks.works.squad import f1
from headwater.tasks.squad import SQUAD_V1, question_text

PRECISIONS = ("fp32", "bf16")


def read(model: str, squad: Path, count: int | None) -> str:
    """Answer questions in both precisions; return the line to print."""
    examples = list(SQUAD_V1.read([squad]))[:count]
    pairs = [(each.question, each.context) for each in examples]
    exact, fast = (
        [found[0].text for found in headwater.load(model, precision=name).answer_batch(pairs)]
        for name in PRECISIONS
    )
    scores = [f1(examples, answers) for answers in (exact, fast)]
    return (
        f"{model}: {len(examples)} questions, F1 {scores[0]:.2f} in float32, {scores[1]:.2f} in "
        f"bf16 ({scores[1] - scores[0]:+.2f}); equal answers {equal(fast, exact):.2%}"
    )


def write(model: str, squad: Path, count: int) -> str:
    """Write texts in both precisions; return the line to print."""
    texts = [question_text(each) for each in SQUAD_V1.read([squad])][:count]
    exact, fast = (
        headwater.load(model, precision=name).generate(texts, num_beams=1) for name in PRECISIONS
    )
    share = equal(fast, exact)
    error = (share * (1 - share) / len(texts)) ** 0.5
    return f"{model}: {len(texts)} texts, equal to float32's {share:.2%} ± {error:.2%}"


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--squad", type=Path, required=True, help="a SQuAD file")
    parser.add_argument("--reader", default="reader", help="a model that finds answers")
    parser.add_argument("--writer", help="a model that writes; then the reader is left out")
    parser.add_argument("--questions", type=int, help="of the reader [all]")
    parser.add_argument("--texts", type=int, default=1000, help="of the writer")
    options = parser.parse_args()
    if options.writer:
        print(write(options.writer, options.squad, options.texts))
    else:
        print(read(options.reader, options.squad, options.questions))


if __name__ == "__main__":
    main()
