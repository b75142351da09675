"""Special tokens around one text or two; what identifies them stays what saved runs hold."""

from headwater.text.sequence_layout import SequenceLayout


def test_special_tokens_and_identity() -> None:
    layout = SequenceLayout((101,), (102, 102), (102,), segments=True)
    assert layout.special_tokens == 4
    expected = b"Layout(before=(101,), between=(102, 102), after=(102,), segments=True)"
    assert layout.identity == expected
