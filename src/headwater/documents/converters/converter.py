"""What a converter is."""

from typing import Protocol

from headwater.documents.document import Document


class Converter(Protocol):
    """A module of this room.

    version: goes up when it extracts another text than before, so that files are converted anew.
    library: what it needs from the extra `documents`, or None.
    """

    __name__: str

    @property
    def VERSION(self) -> int: ...

    @property
    def LIBRARY(self) -> str | None: ...

    def convert(self, content: bytes) -> Document:
        """Make a document of a file's content, decompressed.

        A UserError says why it cannot be done, without the file's name; so may any other error.
        """
        ...
