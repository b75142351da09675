import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.inference.answer import Answer, Place
from headwater.text.sentences import sentence_around, sentences

CASES = [
    ("It rained. [Bob] won. Then he left.", "Bob won."),
    (
        "It was Dr. Reed. He met Mrs. [Dalloway] at 3.5 km! Then it rained.",
        "He met Mrs. Dalloway at 3.5 km!",
    ),
    ("She read J. R. R. [Tolkien] often. He did not.", "She read J. R. R. Tolkien often."),
    ("The U.S. [Senate] met. It voted.", "The U.S. Senate met."),
    ("He lived in the U.S. The [house] burned. Fine.", "The house burned."),
    ("Many (e.g. [Paris]) are big. Others are not.", "Many (e.g. Paris) are big."),
    ("“Go!” he said. “[Stop]!” she said.", "“Stop!” she said."),
    ("Was it? Yes, [it] was... Perhaps.", "Yes, it was..."),
    ("A heading\n\nThe [text] goes on\nand on.\n\nNext paragraph", "The text goes on\nand on."),
    ("Short heading\nThe [first] line of the text.", "The first line of the text."),
    ("- one item\n- [two] items\n- three", "- two items"),
    (
        "This is a line of a text that was wrapped at a fixed width by Mr\n"
        "[Smith] and so it goes on here. Then comes more.",
        "This is a line of a text that was wrapped at a fixed width by Mr\n"
        "Smith and so it goes on here.",
    ),
    ("In 1990. The [end] came.", "The end came."),
    ("1. [First] do this. 2. Then that.", "1. First do this."),
    ("他来了。[我]走了。她在。", "我走了。"),
    ("One [two. Three] four. Five.", "One two. Three four."),
    ("no stop at [all]", "no stop at all"),
    ("he won . then it [rained] . they left .", "then it rained ."),
    ("well . . . then it [rained] etc. and so on.", "well . . . then it rained etc. and so on."),
    ("Jan. 5 was [cold]. Feb. 6 was not.", "Jan. 5 was cold."),
    ("He bought Apple Inc. [shares]. They fell.", "He bought Apple Inc. shares."),
    ("Ünder. [Über] alles. Ärger.", "Über alles."),
    ("See No. 5, p. 12 for [it]. Done.", "See No. 5, p. 12 for it."),
]


SCRIPTS = [
    "वह आया।|वह गया।| क्या?| हाँ!",
    "धर्मक्षेत्रे कुरुक्षेत्रे॥१॥|दृष्ट्वा तु पाण्डव॥ २ ॥| सेनयोः।",
    "وہ آیا۔| وہ گیا۔",
    "هل جاء؟| نعم، جاء.",
    "Նա եկավ։| Նա գնաց։",
    "እሱ መጣ።| እሷ ሄደች።",
    "他来了！|我走了？|她在。|好｡",
    "他说：“走吧。”|我走了!|你呢?|好。",
    "彼は「行く。」と言った。|私も。",
    "သူ လာ၏။| သူ သွား၏။",
    "គាត់មក។| គាត់ទៅ។",
    "བོད་སྐད།| ཡིན་ནོ།།",
    "เขามา แล้วเขาก็ไป",
    "¿Qué pasa?| ¡Nada!| “Bueno.”| ¿Y tú?",
    "„Geh!“ rief er.| „Warum?“| »Darum.«| «Oui !»| « Non ! »| Il part.",
    "It fell.[3]| She left.[12][13]| We won.(a)| They lost.¹²| So it was.”[3]| Done.",
    "It fell.[citation needed]| He met Dr.[2] Reed.| In the U.S.[4] Senate.",
    "He waited …| Then he left…| “Oh?!”| (Yes.)| [Nay.]| End.",
    "It cost 3.5 km. ago.| J. S. Bach, e.g. here.| Mt. Etna at 5 p.m. or so.",
]


@pytest.mark.parametrize("marked", SCRIPTS)
def test_the_sentences_of_scripts_and_after_footnotes(marked: str) -> None:
    text = marked.replace("|", "")
    expected = [sentence.strip() for sentence in marked.split("|")]
    spans = list(sentences(text))
    assert [text[start:end] for start, end in spans] == expected
    assert all(sentence_around(text, start, start + 1) == (start, end) for start, end in spans)


@pytest.mark.parametrize(("marked", "sentence"), CASES)
def test_sentence_around_a_marked_span(marked: str, sentence: str) -> None:
    start, end = marked.index("["), marked.index("]") - 1
    context = marked.replace("[", "").replace("]", "")
    low, high = sentence_around(context, start, end)
    assert context[low:high] == sentence


def test_a_sentence_without_end_is_cut_near_the_span_at_a_space() -> None:
    context = "word " * 100_000
    began = time.perf_counter()
    low, high = sentence_around(context, 250_000, 250_004)
    assert time.perf_counter() - began < 0.1
    assert 1000 < high - low <= 2004
    assert context[low - 1] == " " == context[high]


@pytest.mark.parametrize("context", ["", "x", "\n\n", "a. B", ".", "?!"])
def test_every_span_lies_in_its_sentence(context: str) -> None:
    for start in range(len(context)):
        for end in range(start + 1, len(context) + 1):
            if context[start:end].strip() == context[start:end]:
                low, high = sentence_around(context, start, end)
                assert low <= start <= end <= high


def test_an_answer_stands_in_its_sentence() -> None:
    context = "It rained. The winner was Bob. He left."
    answer = Answer.from_places([Place.around(context, 26, 29, 0.5, "a.txt")], 0.5)
    assert answer.text == "Bob" and answer.sentence == "The winner was Bob."
    assert answer.sentence_start is not None and answer.start is not None
    assert answer.sentence[answer.start - answer.sentence_start :] == "Bob."
    assert answer.to_dict()["source"] == "a.txt"


@pytest.mark.parametrize(("marked", "sentence"), CASES)
def test_a_text_is_cut_where_the_sentence_around_a_span_ends(marked: str, sentence: str) -> None:
    context = marked.replace("[", "").replace("]", "")
    begin = context.index(sentence)
    spans = list(sentences(context))
    assert begin in [start for start, _ in spans]
    assert begin + len(sentence) in [end for _, end in spans]


def test_two_spaces_between_sentences_join_nothing() -> None:
    text = " One ran.  Two ran.\n\n\nThree. "
    assert [text[start:end] for start, end in sentences(text)] == ["One ran.", "Two ran.", "Three."]


@pytest.mark.parametrize("text", ["", " ", "\n\n", " \t "])
def test_white_space_has_no_sentence(text: str) -> None:
    assert list(sentences(text)) == []


WORDS = ["a", "Dr", "The", "U.S", "x" * 50, ".", "!", "?", "。", "”", "“", "1.", "- ", "é", "́"]


@given(st.lists(st.sampled_from([*WORDS, " ", " ", "  ", "\n", "\n\n", "\t"]), max_size=40))
def test_every_sentence_begins_in_its_own(tokens: list[str]) -> None:
    text = "".join(tokens)[:900]
    for start, end in sentences(text):
        low, high = sentence_around(text, start, end)
        assert low <= start < end <= high


@given(st.lists(st.sampled_from([*WORDS, " ", " ", "  ", "\n", "\n\n", "\t"]), max_size=40))
def test_sentences_hold_every_character_once(tokens: list[str]) -> None:
    text = "".join(tokens)[:900]
    spans = list(sentences(text))
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    inside = {offset for span in spans for offset in range(*span)}
    assert all(text[offset].isspace() for offset in set(range(len(text))) - inside)
    if "\n" not in text:  # the lines of lists and tables are not cut
        assert all(sentence_around(text, start, start + 1) == (start, end) for start, end in spans)
