"""Real questions: inputs as the reference makes them, every answer found again, in little time."""

import time
from pathlib import Path

import numpy as np
import pytest

from headwater.data.config import SpanConfig
from headwater.data.example import SpanExample
from headwater.data.span_files import read_squad
from headwater.tasks.spans import SpanSearch
from headwater.tasks.windows import build_windows
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def uncased(shared: Path) -> Vocabulary:
    return load_vocabulary(shared / "data/tokenizers/bert-base-uncased")


@pytest.fixture(scope="module")
def asked(shared: Path) -> list[SpanExample]:
    return list(read_squad([shared / "data/qa/squad_v1.1/dev-v1.1.json"]))[::40]


def test_inputs_equal_the_reference(
    shared: Path, uncased: Vocabulary, asked: list[SpanExample]
) -> None:
    transformers = pytest.importorskip("transformers")
    file = shared / "data/tokenizers/bert-base-uncased/vocab.txt"
    reference = transformers.BertTokenizerFast(vocab=str(file), do_lower_case=True)
    windows = build_windows(uncased, asked, SpanConfig(), labelled=False)
    compared = 0
    for index, one in enumerate(asked):
        expected = reference(one.question, one.context, return_offsets_mapping=True)
        if len(expected["input_ids"]) > 384:
            continue
        (row,) = windows.windows_of(index)
        assert windows[row]["input_ids"].tolist() == expected["input_ids"]
        assert windows[row]["token_type_ids"].tolist() == expected["token_type_ids"]
        offsets = windows.offsets(row)
        ours = list(zip(offsets.starts.tolist(), offsets.ends.tolist(), strict=True))
        assert ours == expected["offset_mapping"][offsets.first : -1]
        compared += 1
    assert compared > 250


@pytest.mark.parametrize("length", [384, 120])
def test_every_answer_that_fits_is_found_again(
    uncased: Vocabulary, asked: list[SpanExample], length: int
) -> None:
    config = SpanConfig(max_length=length, max_query_length=40)
    windows = build_windows(uncased, asked, config, labelled=True)
    found = 0
    for index, one in enumerate(asked):
        rows = windows.windows_of(index)
        search = SpanSearch(one.context, config)
        for row in rows:
            starts, ends = np.zeros((2, windows.lengths[row]), np.float32)
            starts[windows[row]["start_positions"]] = ends[windows[row]["end_positions"]] = 5
            search.add(starts, ends, windows.offsets(row))
        choice = search.choice()
        texts = [candidate.text for candidate in choice.candidates]
        spans = {(candidate.start, candidate.end) for candidate in choice.candidates}
        assert len(spans) == len(texts) == config.n_best
        answer = one.agreed_answer
        tokens = len(uncased.encode(answer.text))
        if tokens <= config.max_answer_length:
            best = choice.candidates[0]
            assert best.start <= answer.start < answer.end <= best.end
            found += best.text == answer.text
        else:
            assert choice.candidates[0].score < 10
    assert found / len(asked) > 0.97  # the rest begin or end inside a word


def test_shared_contexts_are_encoded_once(uncased: Vocabulary, shared: Path) -> None:
    examples = read_squad([shared / "data/qa/squad_v1.1/dev-v1.1.json"])
    began = time.perf_counter()
    windows = build_windows(uncased, examples, SpanConfig(), labelled=True)
    assert time.perf_counter() - began < 60  # about 2 s on two free cores
    stored = windows.offsets(0).starts.base  # one flat array for all contexts
    assert stored is not None
    assert len(stored) < int(windows.lengths.sum()) / 2
