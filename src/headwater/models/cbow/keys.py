"""The names of a CBOW on disk, which are our own. Free of torch."""

from headwater.models.key_table import HeadKeys, KeyTable

CBOW = KeyTable(
    prefix="",
    body={"body.token": "input", "body.output": "output"},
    heads={None: HeadKeys("HeadwaterCBOW", {})},
)
"""Names of our own: the input table, which holds the word vectors, and the output one."""
