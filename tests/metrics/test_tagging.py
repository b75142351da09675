"""Entity scores equal conlleval's: its rules as a table, its own output, and seqeval's."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support

from headwater.errors import UserError
from headwater.metrics.tagging import Chunk, chunks, report, tagging

Tags = list[list[str]]

# Pairs of prefixes, before and after: all those between which the script lets an entity of one type
# end or begin; the extended script, which knows S, has those of the second line as well.
ENDS = {"BB", "BO", "IB", "IO", "EE", "EI", "EO"}
ENDS_WITH_S = ENDS | {"BS", "IS", "ES", "EB", "SE", "SI", "SO", "SS", "SB"}
BEGINS = {"BB", "IB", "OB", "OI", "EE", "EI", "OE"}
BEGINS_WITH_S = BEGINS | {"SB", "EB", "BS", "IS", "OS", "SS", "ES", "SI", "SE"}


def draw_tags(rng: random.Random, prefixes: str, types: list[str]) -> tuple[Tags, Tags]:
    def tag() -> str:
        prefix = rng.choice(prefixes)
        return prefix if prefix == "O" else f"{prefix}-{rng.choice(types)}"

    golds = [[tag() for _ in range(rng.randint(1, 9))] for _ in range(rng.randint(1, 6))]
    return golds, [[old if rng.random() < 0.6 else tag() for old in gold] for gold in golds]


def conlleval(golds: Tags, said: Tags, *, s_known: bool) -> tuple[float, list[Counter[str]]]:
    """Read both columns at once, line by line, as the script does.

    Returns accuracy and the counts by type: gold, predicted, correct.
    """
    ends, begins = (ENDS_WITH_S, BEGINS_WITH_S) if s_known else (ENDS, BEGINS)
    counts = [Counter[str](), Counter[str](), Counter[str]()]
    running = False  # an entity has started in both columns at once, with one type
    before = [("O", ""), ("O", "")]
    right = words = 0
    for gold, guess in zip(golds, said, strict=True):
        for line in [*zip(gold, guess, strict=True), None]:
            now = [tuple(tag.split("-", 1)) if tag != "O" else ("O", "") for tag in line or "OO"]
            pairs = list(zip(before, now, strict=True))
            ended = [
                old[0] + new[0] in ends or (old[0] != "O" and old[1] != new[1])
                for old, new in pairs
            ]
            began = [
                old[0] + new[0] in begins or (new[0] != "O" and old[1] != new[1])
                for old, new in pairs
            ]
            if running and all(ended):
                counts[2][before[0][1]] += 1
            running = running and not any(ended)
            running |= all(began) and now[0][1] == now[1][1]
            for side in (0, 1):
                counts[side][now[side][1]] += began[side]
            if line is not None:
                words, right = words + 1, right + (line[0] == line[1])
            before = now
    return 100.0 * right / words, [+count for count in counts]


@pytest.mark.parametrize(
    ("prefixes", "s_known"),
    [("BIO", False), ("IO", False), ("IEO", False), ("BIO", True), ("BIOES", True)],
)
def test_broken_and_sound_sequences_equal_the_scripts_rules(prefixes: str, s_known: bool) -> None:
    rng = random.Random(1)
    for case in range(1000):
        golds, said = draw_tags(rng, prefixes, [["PER"], ["PER", "LOC", "a-b"]][case % 2])
        accuracy, (gold, predicted, correct) = conlleval(golds, said, s_known=s_known)
        scores = tagging(golds, said)
        assert scores.accuracy == pytest.approx(accuracy, abs=1e-9)
        found = {
            kind: (each.golds, each.predicted, each.correct)
            for kind, each in scores.by_type.items()
        }
        types = sorted(gold | predicted)
        assert list(found) == types
        assert found == {kind: (gold[kind], predicted[kind], correct[kind]) for kind in types}
        assert scores.overall.correct == correct.total()


@pytest.mark.parametrize("prefixes", ["BIO", "BIOES"])
def test_precision_recall_and_f1_equal_seqeval(prefixes: str) -> None:
    rng = random.Random(2)
    for _ in range(1000):
        golds, said = draw_tags(rng, prefixes, ["LOC", "PER"])
        if not any(tag != "O" for gold in golds for tag in gold):
            continue  # seqeval knows no score without entities
        overall = tagging(golds, said).overall
        expected = precision_recall_fscore_support(golds, said, average="micro", zero_division=0)
        ours = (overall.precision, overall.recall, overall.f1)
        assert ours == pytest.approx([100 * value for value in expected[:3]], rel=0, abs=1e-9)


def test_the_report_is_what_the_script_prints() -> None:
    golds = [
        ["B-PER", "I-PER", "O", "B-LOC"],
        ["I-PER", "I-LOC", "B-LOC", "O"],
        ["O", "I-a-b"],
    ]
    said = [
        ["I-PER", "I-PER", "O", "I-LOC"],
        ["B-PER", "I-LOC", "I-LOC", "O"],
        ["O", "B-a-b"],
    ]
    # Printed by conlleval, version 2004-01-26, on these columns.
    assert report(tagging(golds, said)) == (
        "processed 10 tokens with 6 phrases; found: 5 phrases; correct: 4.\n"
        "accuracy:  50.00%; precision:  80.00%; recall:  66.67%; FB1:  72.73\n"
        "              LOC: precision:  50.00%; recall:  33.33%; FB1:  40.00  2\n"
        "              PER: precision: 100.00%; recall: 100.00%; FB1: 100.00  2\n"
        "              a-b: precision: 100.00%; recall: 100.00%; FB1: 100.00  1\n"
    )


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("", []),
        ("O O", []),
        ("B-x I-x O I-x", [("x", 0, 2), ("x", 3, 4)]),
        ("B-x B-x I-y", [("x", 0, 1), ("x", 1, 2), ("y", 2, 3)]),
        ("I-x I-x I-y", [("x", 0, 2), ("y", 2, 3)]),
        ("B-x E-x B-x E-x S-x S-x", [("x", 0, 2), ("x", 2, 4), ("x", 4, 5), ("x", 5, 6)]),
        ("U-x L-x S-x L-x", [("x", 0, 1), ("x", 1, 2), ("x", 2, 3), ("x", 3, 4)]),
        ("S-x I-x E-x O E-x", [("x", 0, 1), ("x", 1, 3), ("x", 4, 5)]),
        ("person O", []),  # a text that is no tag is outside
    ],
)
def test_entities_of_a_sentence(tags: str, expected: list[tuple[str, int, int]]) -> None:
    assert chunks(tags.split()) == [Chunk(*each) for each in expected]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["O", "x", "y"]), st.integers(1, 3)), max_size=8))
def test_every_scheme_reads_back_the_entities_that_were_written(
    parts: list[tuple[str, int]],
) -> None:
    entities, bio, bioes = [], [], []
    for kind, length in parts:
        if kind == "O":
            bio += ["O"] * length
            bioes += ["O"] * length
            continue
        entities.append(Chunk(kind, len(bio), len(bio) + length))
        bio += [f"B-{kind}", *[f"I-{kind}"] * (length - 1)]
        middle = [f"B-{kind}", *[f"I-{kind}"] * (length - 2), f"E-{kind}"]
        bioes += [f"S-{kind}"] if length == 1 else middle
    assert chunks(bio) == chunks(bioes) == entities


def test_without_entities_all_is_0_but_the_words() -> None:
    scores = tagging([["O", "O"]], [["O", "O"]])
    overall = scores.overall
    assert (scores.accuracy, overall.precision, overall.recall, overall.f1) == (100.0, 0, 0, 0)
    assert scores.by_type == {}


def test_what_cannot_be_scored_is_reported() -> None:
    with pytest.raises(UserError, match="no word"):
        tagging([], [])
    with pytest.raises(UserError, match="sentence 2 of 2 has 2 words but 1 predicted tag;"):
        tagging([["O"], ["O", "O"]], [["O"], ["O"]])
