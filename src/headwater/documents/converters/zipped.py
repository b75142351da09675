"""Files that are zip archives, and how much they may hold."""

from io import BytesIO
from zipfile import ZipFile

from headwater.errors import UserError

_MOST = 2**28  # bytes of all members together
_MEMBERS = 20_000


def opened(content: bytes) -> ZipFile:
    """Open an archive, refusing what would fill the memory."""
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise UserError("encrypted, or of Word before 2007; save it as .docx without a password")
    archive = ZipFile(BytesIO(content))
    members = archive.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise UserError("encrypted; save it without a password")
    if len(members) > _MEMBERS or sum(member.file_size for member in members) > _MOST:
        raise UserError(f"too large: holds more than {_MOST >> 20} MiB or {_MEMBERS:,} files")
    return archive
