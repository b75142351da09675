"""A text as it grows: what is decoded, and when."""

from collections.abc import Sequence

import numpy as np
import pytest

from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.written_text import GenerationInput, WrittenText

PIECES = ["a", "b", "\ufffd", "c\ufffd", "cd", "cde", "cdef"]


@pytest.fixture
def asked() -> list[int]:
    """Of how many tokens the text was asked for, each time."""
    return []


def begin(asked: list[int], stop: tuple[str, ...] = (), most: int = 6) -> WrittenText:
    def written(ids: Sequence[int]) -> str:
        asked.append(len(ids))
        return PIECES[len(ids)]

    features = {"input_ids": np.array([5], np.int32)}
    config = GenerationConfig(max_new_tokens=most)
    return WrittenText(
        GenerationInput(features, 1, DecoderTokens(2, ()), config, written, stop=stop)
    )


def test_a_text_is_decoded_once_where_only_its_end_is_asked_for(asked: list[int]) -> None:
    text = begin(asked)
    for id in range(6):
        text.add(id, -1.0, end=False)
    assert not asked and text.finish_reason == "length"
    assert text.text == "cdef" and asked == [6]
    assert [token.text for token in text.tokens] == ["b", "", "", "cd", "e", "f"]
    assert text.text == "cdef"


@pytest.mark.parametrize("stop", [(), ("x",)])
def test_a_stream_decodes_each_step_once(asked: list[int], stop: tuple[str, ...]) -> None:
    text = begin(asked, stop)
    found = [(text.add(id, -1.0, end=False).text, text.text) for id in range(6)]
    added = ["b", "", "", "cd", "e", "f"]
    assert found == list(zip(added, ["b", "b", "b", "cd", "cde", "cdef"], strict=True))
    assert asked == [1, 2, 3, 4, 5, 6]


def test_half_a_character_stands_only_at_the_end(asked: list[int]) -> None:
    text = begin(asked)
    for id in range(3):
        text.add(id, -1.0, end=False)
    assert text.text == "b"
    end = text.add(9, -1.0, end=True)
    assert text.text == "c\ufffd" == end.text and text.finish_reason == "eos_token"
    assert [token.text for token in text.tokens] == ["b", "", ""]
    stopped = begin(asked, ("c",), most=5)
    for id in range(4):
        stopped.add(id, -1.0, end=False)
    assert stopped.text == "cd" and stopped.finish_reason == "stop_sequence"
