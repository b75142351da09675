"""The commonest-answer baseline of closed-book questions: one answer to every question.

    python recipes/commonest.py

The answer that most training questions of recipes/closed-book.toml have, scored on the sets that
the recipe names: what a model must beat to have learned more than how answers look.
"""

import argparse
import tomllib
from collections import Counter
from pathlib import Path

import headwater
from headwater.metrics.qa import normalize_answer

RECIPE, DATA = Path("recipes/closed-book.toml"), Path("../shared/data/closed_book")
TESTS = {
    "web_questions": DATA / "webquestions_brmson/test.json",
    "nq_open": DATA / "nq_open/NQ-open.dev.jsonl",
}


def main() -> None:
    """Count, score, print."""
    argparse.ArgumentParser(
        description="Score the commonest answer to every question."
    ).parse_args()
    components = tomllib.loads(RECIPE.read_text("utf-8"))["mixture"]["tasks"]
    for component in components:
        task = headwater.task(component["task"])
        trained = task.read([Path(file) for file in component["data"]["train"]])
        counted = Counter(
            answer for each in trained for answer in set(map(normalize_answer, each.targets))
        )
        [(answer, count)] = counted.most_common(1)
        tests = task.read([TESTS[task.name]])
        scores = task.score(tests, dict.fromkeys((each.id for each in tests), answer), None)
        print(f"{task.name}: {answer!r}, of {count} of {len(trained)} questions; {scores}")


if __name__ == "__main__":
    main()
