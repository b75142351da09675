"""Examples in memory: by index, in order, with a fingerprint of every field."""

from dataclasses import replace

from headwater.data.example import AnswerSpan, Examples, ReadReport, SpanExample

ONE = SpanExample("1", "Who?", "Ann and Bo", (AnswerSpan("Bo", 8),))
TWO = replace(ONE, id="2")


def test_a_sequence_of_examples() -> None:
    examples = Examples([ONE, TWO])
    assert (len(examples), examples[1], list(examples)) == (2, TWO, [ONE, TWO])


def test_the_fingerprint_changes_with_any_field_and_with_the_order() -> None:
    variants = [
        replace(ONE, id="x"),
        replace(ONE, question="Who"),
        replace(ONE, context="Ann and Bo."),
        replace(ONE, answers=()),
        replace(ONE, answers=(AnswerSpan("Bo", 7),)),
        replace(ONE, impossible=True),
        replace(ONE, article="Names"),
    ]
    prints = {Examples([each, TWO]).fingerprint for each in [ONE, *variants]}
    prints.add(Examples([TWO, ONE]).fingerprint)
    assert len(prints) == len(variants) + 2
    assert Examples([ONE, TWO]).fingerprint == Examples([ONE, TWO]).fingerprint


def test_the_report_says_nothing_or_one_line() -> None:
    assert ReadReport().summary() == ""
    report = ReadReport(("a: repaired",), ("b: gone",))
    assert report.summary() == "1 answer offset repaired; 1 example dropped, the first: b: gone"
