"""The names of an ELMo on disk, which are our own. Free of torch."""

from headwater.models.key_table import HeadKeys, KeyTable

ELMO = KeyTable(
    prefix="",
    body={
        f"body.{name}": name
        for name in (
            "token.cnn.embedding",
            "token.cnn.convolutions.{n}",
            "token.highway.{n}.gate",
            "token.highway.{n}.transform",
            "token.projection",
            "lstm.{n}",
            "softmax",
        )
    },
    heads={None: HeadKeys("HeadwaterELMo", {})},
)
"""The published format, which is none of tensors alone, is that of `released.py`."""
