"""`tag`: entities with exact spans, those of `transformers`' pipeline, in texts of any length."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import tiny
from headwater.checkpoints.folder import save_model
from headwater.data.config import SequenceConfig
from headwater.data.example import TaggingExample
from headwater.inference.entities import EntityTagger
from headwater.inference.label_predictors import LabelScorer
from headwater.inference.loaded import load
from headwater.metrics.tagging import chunks
from headwater.tasks.names import TASKS
from headwater.text.vocabulary import Vocabulary

TAGS = ("O", "B-x", "I-x", "B-y", "I-y")
TEXTS = [
    "who won it? bob left red, zed was here (old) abc it!",
    "Cafe\u0301 was old, \u00e9t\u00e9 👍🏽 bob 👩‍👩‍👧 left\u200d it",
    "\ufeffbob\u00a0\u3000won\t\n it. 東京 は zed",
    "b\u0301o\u0308b \u202eeve\u202c ﬁnd Ⅳ",
]


def folder(path: Path, words: Vocabulary, labels: Any = TAGS, **changes: Any) -> Path:
    """A model whose tags differ from token to token."""
    sizes = {"vocab_size": words.size, "hidden_size": 32, "intermediate_size": 48}
    sizes |= {"num_attention_heads": 4, "max_position_embeddings": 64}
    network = tiny.bert("token", labels=labels, seed=3, **sizes | changes)
    for weight in network.parameters():
        weight.data *= 3
    save_model(path, network, vocabulary=words)
    return path


@pytest.mark.parametrize("family", tiny.ENCODERS)
@pytest.mark.parametrize("aggregation", ["simple", "first"])
def test_entities_are_those_of_the_pipeline(
    tmp_path: Path, words: Vocabulary, family: str, aggregation: Any
) -> None:
    made = folder(tmp_path / "m", words, **tiny.ENCODERS[family] | {"pad_token_id": 0})
    theirs = transformers.AutoModelForTokenClassification.from_pretrained(made)
    reader = transformers.AutoTokenizer.from_pretrained(made)
    pipe = transformers.pipeline(
        "token-classification",
        theirs,
        tokenizer=reader,
        aggregation_strategy=aggregation,
        device="cpu",
    )
    model = load(made, "cpu")
    for text in TEXTS[:1]:
        expected = [(e["entity_group"], e["start"], e["end"], e["score"]) for e in pipe(text)]
        found = [
            (e.label, e.start, e.end, e.score) for e in model.tag(text, aggregation=aggregation)
        ]
        assert len(found) == len(expected) > 2
        for ours, other in zip(found, expected, strict=True):
            assert ours[:3] == other[:3]
            assert ours[3] == pytest.approx(float(other[3]), abs=1e-5)


@pytest.mark.parametrize("aggregation", ["simple", "first"])
def test_spans_are_exact_on_odd_text(tmp_path: Path, words: Vocabulary, aggregation: Any) -> None:
    model = load(folder(tmp_path / "m", words), "cpu")
    for text, entities in zip(TEXTS, model.tag(TEXTS, aggregation=aggregation), strict=True):
        assert entities
        last = 0
        for each in entities:
            assert last <= each.start < each.end <= len(text)
            assert text[each.start : each.end] == each.text == each.text.strip()
            assert 0 < each.score <= 1
            last = each.end
        [again] = model.tag([text], aggregation=aggregation)
        assert [(e.label, e.start, e.end) for e in again] == [
            (e.label, e.start, e.end) for e in entities
        ]


def test_an_accent_and_a_joined_emoji_stay_whole(tmp_path: Path, words: Vocabulary) -> None:
    """Every word is an entity of its own where the only label begins one."""
    model = load(folder(tmp_path / "m", words, ("B-x", "S-y")), "cpu")
    texts = [each.text for each in model.tag("Cafe\u0301 👍🏽 bob, eve's U.S. (old)")]
    assert texts == ["Cafe\u0301", "👍🏽", "bob", ",", "eve", "'s", "U.S.", "(", "old", ")"]


class _Fixed(torch.nn.Module):
    """Gives each token the tag that a table has for it, surely."""

    def __init__(self, tags: dict[int, int], count: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.tags, self.count = tags, count

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        chosen = [[self.tags.get(id, 0) for id in row] for row in batch["input_ids"].tolist()]
        return torch.nn.functional.one_hot(torch.tensor(chosen), self.count).float() * 9


@pytest.mark.parametrize(
    ("labels", "tags", "expected"),
    [
        (("O", "B-x", "I-x"), {"bob": 1, "eve": 2, "zed": 1}, ["bob eve", "zed"]),  # IOB2
        (("O", "B-x", "I-x"), {"bob": 2, "eve": 2, "zed": 1}, ["bob eve", "zed"]),  # IOB1
        (("O", "I-x", "I-y"), {"bob": 1, "eve": 1, "zed": 2}, ["bob eve", "zed"]),  # IO
        (("O", "B-x", "E-x", "S-x"), {"bob": 1, "eve": 2, "zed": 3}, ["bob eve", "zed"]),
        (("O", "B-x", "L-x", "U-x"), {"bob": 1, "eve": 2, "zed": 3}, ["bob eve", "zed"]),
        (("O", "x", "y"), {"bob": 1, "eve": 1, "zed": 2}, ["bob eve", "zed"]),
    ],
)  # fmt: skip
def test_every_scheme_of_tags_is_read(
    words: Vocabulary, labels: tuple[str, ...], tags: dict[str, int], expected: list[str]
) -> None:
    network = _Fixed({words.ids[word]: tag for word, tag in tags.items()}, len(labels))
    [found] = EntityTagger(LabelScorer(network, words, labels))(["it was bob eve zed here"])
    assert [each.text for each in found] == expected
    assert {each.label for each in found} <= {"x", "y"}
    assert [each.start for each in found] == [7, 15]


def test_long_texts_are_read_in_windows_with_context(words: Vocabulary) -> None:
    """What is found does not depend on where the windows end; every token has one tag."""
    network = _Fixed({words.ids["bob"]: 1, words.ids["eve"]: 2}, 3)
    text = "it was bob eve here. " * 40
    short = SequenceConfig(max_length=11)
    [found] = EntityTagger(LabelScorer(network, words, ("O", "B-x", "I-x"), short))([text])
    assert [each.text for each in found] == ["bob eve"] * 40
    assert [each.start for each in found] == [7 + 21 * n for n in range(40)]


def test_a_word_has_the_tag_that_predict_gives_it(tmp_path: Path, words: Vocabulary) -> None:
    made = folder(tmp_path / "m", words, TASKS["wnut17"].labels)
    model = load(made, "cpu")
    examples = [
        TaggingExample("0", ("who", "redold", "won", "it", "?")),
        TaggingExample("1", ("bob", "was", "leftish", ",", "inner", "!")),
        TaggingExample("2", ("it", "...", "@eve", "here")),
    ]
    tagged = model.tag([" ".join(each.words) for each in examples])
    for example, decision, found in zip(
        examples, model.predictor(TASKS["wnut17"])(examples), tagged, strict=True
    ):
        expected = [
            (kind, " ".join(example.words[start:end]))
            for kind, start, end in chunks(decision.text.split())
        ]
        assert [(each.label, each.text) for each in found] == expected


def test_the_tags_of_a_text_without_a_token(tmp_path: Path, words: Vocabulary) -> None:
    assert load(folder(tmp_path / "m", words), "cpu").tag("\u200d") == []
