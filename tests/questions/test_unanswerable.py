"""Kept questions again where they have no answer."""

from headwater.data.example import AnswerSpan
from headwater.questions.config import QuestionConfig
from headwater.questions.passages import Passage
from headwater.questions.round_trip import Question
from headwater.questions.unanswerable import Nearest, unanswerable, without_sentence

TEXT = (
    "The mill was built in 1786 by a baker. It stands beside the river, and it had two wheels for "
    "flour."
)
PASSAGE = Passage(0, "mills", TEXT)
LIKE = Passage(1, "mills", "The other mill beside the river was built later, of grey stone.")
SAME = Passage(2, "mills", "A mill built in 1786 burned down, and nobody knows why it did.")
FAR = Passage(3, "cats", "Cats sleep for most of the day.")


def asked(text: str, words: str = "When was the mill beside the river built?") -> Question:
    return Question(PASSAGE, words, AnswerSpan(text, TEXT.index(text)), 0.9)


def test_the_sentence_of_the_answer_goes() -> None:
    assert without_sentence(asked("1786")) == TEXT.partition(". ")[2]
    assert without_sentence(asked("two")) is None  # too little is left
    assert without_sentence(asked("it")) is None  # it stands in the rest, too


def test_the_nearest_passage_lacks_the_answer() -> None:
    many = [Passage(n, "x", f"Nothing of note, number {n}.") for n in range(10, 400)]
    nearest = Nearest([PASSAGE, LIKE, SAME, FAR, *many])
    assert nearest.find(asked("1786")) == LIKE
    assert nearest.find(asked("1786", "Why do dogs bark?")) is None


def test_shares_are_of_the_kept_questions() -> None:
    questions = [asked("1786", f"When was mill {n} built?") for n in range(20)]
    config = QuestionConfig(sentence_removed=0.5, near_passage=0.25)
    found = list(unanswerable(questions, [PASSAGE, LIKE], config))
    kinds = [each.id.rpartition("-")[2] for each in found]
    assert kinds == ["removed"] * 10 + ["near"] * 5
    assert found == list(unanswerable(questions, [PASSAGE, LIKE], config))
    assert list(unanswerable(questions, [PASSAGE, LIKE], QuestionConfig())) == []
