"""`LoadedModel.predictor`: the right one for model and task, streamed, and equal to one by one."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny
from headwater.checkpoints.folder import save_model
from headwater.data.batching import collate
from headwater.data.config import SequenceConfig
from headwater.data.example import PairExample, SpanExample, TaggingExample, TextExample
from headwater.errors import UserError
from headwater.inference import batches
from headwater.inference.answer import Decision, Prediction
from headwater.inference.batches import predict_logits
from headwater.inference.label_predictors import CHUNK, Classifier, LabelScorer, Tagger
from headwater.inference.loaded import LoadedModel, load
from headwater.inference.running import running
from headwater.models.build import build_model, build_multi_task
from headwater.models.config import TaskHead
from headwater.models.multi_task import MultiTask
from headwater.tasks.pair_features import encode_pairs
from headwater.tasks.squad import SQUAD_V2
from headwater.text.vocabulary import Vocabulary

SMALL = {
    "hidden_size": 32,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
}
LABELS = ("no", "yes", "maybe")
TAGS = ("O", "B-x", "I-x")


@dataclass(frozen=True)
class Asked:
    """As much of a task as a predictor looks at."""

    name: str
    kind: str
    labels: tuple[str, ...] = ()
    null_answers: bool = False

    def to_text(self, example: Any) -> TextExample:
        return TextExample(example.id, f"{self.name}: {example.text_a}", ())

    def from_text(self, example: Any, text: str) -> str:
        return f"{example.id}={text}"


def asked(kind: str, labels: tuple[str, ...] = (), name: str = "mine") -> Any:
    return Asked(name, kind, labels)


def bert(words: Vocabulary, head: str | None, labels: Sequence[str] = ()) -> LoadedModel:
    torch.manual_seed(3)
    config = tiny.bert_config(vocab_size=words.size, **SMALL)
    network = build_model(config, head, labels=labels).eval()
    for weight in network.parameters():
        weight.data *= 3
    return LoadedModel(network, words, network.body.config if head else config)


def texts(count: int) -> list[PairExample]:
    """Texts and pairs of very different lengths."""
    words = ["who", "won", "what", "is", "the", "it", "was", "bob", "eve", "zed", "left"]
    random = np.random.default_rng(7)
    found = []
    for number in range(count):
        lengths = random.integers(1, 25, 2)
        first, second = (" ".join(random.choice(words, length)) for length in lengths)
        found.append(PairExample(str(number), first, None if number % 3 else second))
    return found


def test_classes_equal_the_network_asked_one_by_one(words: Vocabulary) -> None:
    model, examples = bert(words, "sequence", LABELS), texts(60)
    decisions = list(model.predictor(asked("sequence", LABELS))(iter(examples)))
    assert [each.id for each in decisions] == [each.id for each in examples]
    assert len({each.text for each in decisions}) > 1
    config = SequenceConfig(max_length=40)
    for example, decision in zip(examples, decisions, strict=True):
        assert isinstance(decision, Decision)
        row = encode_pairs(words, [example], config, LABELS, labelled=False)[0]
        with torch.no_grad():
            logits = model.network(collate([row], 0))[0]
        assert decision.text == LABELS[int(logits.argmax())]
        assert decision.probabilities == pytest.approx(logits.softmax(-1).tolist(), abs=1e-4)


def test_numbers_are_written_as_python_writes_them(words: Vocabulary) -> None:
    model, examples = bert(words, "regression"), texts(9)
    found = list(model.predictor(asked("regression"))(examples))
    row = encode_pairs(words, examples[:1], SequenceConfig(max_length=40), (), labelled=False)[0]
    with torch.no_grad():
        expected = float(model.network(collate([row], 0)))
    assert float(found[0].text) == pytest.approx(expected, rel=1e-4)
    assert found[0].text == repr(float(found[0].text)) and found[0].probabilities == ()


def test_tags_are_those_of_first_tokens_and_long_sentences_go_on(words: Vocabulary) -> None:
    model = bert(words, "token", TAGS)
    random = np.random.default_rng(1)
    known = ["bob", "eve", "lefty", "redden", "it", "x"]
    examples = [
        TaggingExample(str(n), tuple(random.choice(known, n % 50 + 1).tolist())) for n in range(60)
    ]
    examples[3] = TaggingExample("3", ("bob", "\u200d", "eve"))
    found = list(model.predictor(asked("token"))(examples))
    tags = [each.text.split() for each in found]
    assert [len(each) for each in tags] == [len(each.words) for each in examples]
    assert {tag for each in tags for tag in each} == set(TAGS)
    assert tags[3][1] == "O"
    example = examples[4]  # five words, in one feature
    ids = [words.encode(word).ids.tolist() for word in example.words]
    flat = [words.cls_id, *(id for word in ids for id in word), words.sep_id]
    first = np.cumsum([1, *(len(word) for word in ids)])[:-1]
    with torch.no_grad():
        best = model.network({"input_ids": torch.tensor([flat])})[0, first].argmax(-1)
    assert tags[4] == [TAGS[number] for number in best.tolist()]


def test_examples_are_read_a_chunk_at_a_time(words: Vocabulary) -> None:
    taken = 0

    def stream() -> Iterator[PairExample]:
        nonlocal taken
        while True:
            taken += 1
            yield PairExample(str(taken), "bob")

    network = bert(words, "sequence", LABELS).network
    decisions = Classifier(LabelScorer(network, words, LABELS))(stream())
    assert next(decisions).id == "1"
    assert taken <= CHUNK + 1


def test_eight_threads_decide_as_one(words: Vocabulary) -> None:
    model, examples = bert(words, "sequence", LABELS), texts(64)
    task = asked("sequence", LABELS)
    parts = [examples[begin : begin + 8] for begin in range(0, 64, 8)]
    serial = [list(model.predictor(task)(part)) for part in parts]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda part: list(model.predictor(task)(part)), parts))
    assert together == serial


def test_nothing_in_nothing_out(words: Vocabulary) -> None:
    assert (
        list(Classifier(LabelScorer(bert(words, "sequence").network, words, ("a", "b")))([])) == []
    )
    assert list(Tagger(LabelScorer(bert(words, "token").network, words, ("a", "b")))([])) == []


def test_damaged_weights_are_reported(words: Vocabulary) -> None:
    model = bert(words, "sequence", LABELS)
    model.network.head.dense.bias.data[0] = torch.nan
    rows = encode_pairs(words, texts(2), SequenceConfig(max_length=40), LABELS, labelled=False)
    with pytest.raises(UserError, match="not finite"):
        predict_logits(model.network, rows, 0)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float32], ids=str)
def test_the_precision_is_that_asked_for(
    words: Vocabulary, precision: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bert(words, "sequence", LABELS)
    seen: list[torch.dtype | None] = []
    monkeypatch.setattr(
        batches, "running", lambda network, given: seen.append(given) or running(network, given)
    )
    list(model.predictor(asked("sequence"), precision=precision)(texts(2)))
    assert seen == [precision]


@pytest.mark.parametrize(
    ("head", "labels", "task", "match"),
    [
        ("span", (), asked("sequence", LABELS), "a head of kind span, and task mine needs one of "
         "kind sequence; train it: headwater finetune"),
        (None, (), asked("token", TAGS), "has no head, and task mine needs one of kind token"),
        ("masked_lm", (), asked("regression"), "a head of kind masked_lm, and task mine"),
        ("sequence", LABELS, asked("text"), "task mine needs a model that writes"),
        ("sequence", ("yes", "no"), asked("sequence", LABELS), "chooses from yes, no; task mine "
         "has no, yes, maybe"),
        ("token", ("O", "B-y"), asked("token", ("O", "B-x")), "chooses from O, B-y; task mine"),
    ],
)  # fmt: skip
def test_a_model_that_is_none_for_the_task(
    words: Vocabulary, head: str | None, labels: tuple[str, ...], task: Any, match: str
) -> None:
    with pytest.raises(UserError, match=match) as caught:
        bert(words, head, labels).predictor(task)
    assert "\n" not in str(caught.value)


def test_the_models_own_order_of_labels_counts(words: Vocabulary) -> None:
    examples = texts(20)
    found = [
        [each.text for each in bert(words, "sequence", LABELS).predictor(task)(examples)]
        for task in (asked("sequence", LABELS), asked("sequence", LABELS[::-1]))
    ]
    assert found[0] == found[1]


def several(words: Vocabulary) -> MultiTask:
    torch.manual_seed(3)
    tasks = {
        "one": TaskHead("sequence", ("no", "yes")),
        "two": TaskHead("sequence", LABELS),
        "score": TaskHead("regression"),
        "names": TaskHead("token", TAGS),
        "answers": TaskHead("span"),
    }
    config = tiny.bert_config(vocab_size=words.size, **SMALL)
    return build_multi_task(config, tasks).eval()


def test_a_model_of_several_tasks_takes_the_head_of_the_name(
    tmp_path: Path, words: Vocabulary
) -> None:
    network = several(words)
    extra = {"sequence": {"max_length": 16}, "no_answer_threshold": 1.0}
    save_model(tmp_path / "m", network, vocabulary=words, extra=extra)
    model, examples = load(tmp_path / "m", "cpu"), texts(12)
    for name, labels in (("one", ("no", "yes")), ("two", LABELS)):
        task = asked("sequence", labels, name)
        cut = SequenceConfig(max_length=16)
        plain = Classifier(LabelScorer(network.for_task(name), words, labels, cut))
        found = list(model.predictor(task)(examples))
        assert found == list(plain(examples))
        assert {len(each.probabilities) for each in found} == {len(labels)}
    assert float(next(iter(model.predictor(asked("regression", (), "score"))(examples))).text)
    tagged = model.predictor(asked("token", TAGS, "names"))([TaggingExample("1", ("bob", "left"))])
    assert len(next(iter(tagged)).text.split()) == 2
    span: Any = Asked("answers", "span", null_answers=True)
    read = next(iter(model.predictor(span)([SpanExample("q", "who?", "bob left here", ())])))
    assert isinstance(read, Prediction) and read.no_answer_probability is not None
    assert model.answer("who?", "bob left here")
    with pytest.raises(UserError, match="has no head for task three; it has one, two, score"):
        model.predictor(asked("sequence", LABELS, "three"))
    with pytest.raises(UserError, match="task one needs one of kind token"):
        model.predictor(asked("token", TAGS, "one"))
    assert not model.network.training and not model.network.body.training


def test_predicting_in_training_puts_the_mode_back(words: Vocabulary) -> None:
    network = several(words).train()
    model = LoadedModel(network, words, network.body.config)
    predictor = model.predictor(asked("sequence", LABELS, "two"))
    again = [list(predictor(texts(5))) for _ in range(2)]
    assert again[0] == again[1]  # without dropout
    assert all(module.training for module in network.modules())


def t5(words: Vocabulary, extra: Any = None) -> LoadedModel:
    config = tiny.t5_config(vocab_size=words.size, num_layers=1, num_decoder_layers=1)
    return LoadedModel(tiny.model(config, seed=2).eval(), words, config, extra)


@pytest.mark.parametrize("kind", ["sequence", "regression", "token", "text"])
def test_a_t5_writes_whatever_the_task_is(t5_words: Vocabulary, kind: str) -> None:
    model = t5(t5_words, {"text": {"max_inputs": 9, "max_targets": 4}})
    examples = texts(12)
    found = list(model.predictor(asked(kind, LABELS, "say"))(examples))
    assert [each.id for each in found] == [each.id for each in examples]
    for example, each in zip(examples, found, strict=True):
        tokens = t5_words.encode(f"say: {example.text_a}")
        cut = f"say: {example.text_a}"[: tokens.ends[7]] if len(tokens) > 8 else (
            f"say: {example.text_a}"
        )  # fmt: skip
        [alone] = model.generate([cut], max_new_tokens=4)
        assert each.text == f"{example.id}={alone}"


def test_a_t5_reads_the_contexts_of_any_span_task_in_windows(t5_words: Vocabulary) -> None:
    model = t5(t5_words, {"task": "rte", "text": {"max_inputs": 24, "max_targets": 4}})
    long = SpanExample("q", "who won?", "bob left it here and there. " * 20, ())
    [found] = model.predictor(SQUAD_V2)([long])
    assert isinstance(found, Prediction)


@pytest.mark.parametrize("trained", ["rte", "my_own", "nq_open"])
def test_a_t5_of_another_task_answers_and_writes(t5_words: Vocabulary, trained: str) -> None:
    """Its question is put as SQuAD's is; what it was trained on need not be known here."""
    model = t5(t5_words, {"task": trained})
    plain = t5(t5_words)
    assert model.answer("who won?", "bob won") == plain.answer("who won?", "bob won")
    assert model.generate(["bob"], max_new_tokens=3) == plain.generate(["bob"], max_new_tokens=3)
