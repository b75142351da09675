"""What `load` is told beside the model. Free of torch."""

from collections.abc import Sequence
from typing import TypedDict


class Loading(TypedDict, total=False):
    """What `load` takes but the model, for who hands it on."""

    device: str
    precision: str
    pad_punctuation: bool | None
    label_names: Sequence[str] | None
    no_answer_threshold: float | None
    max_answer_length: int | None
