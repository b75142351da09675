"""`.eml`: who wrote to whom and when, then the text, from HTML where there is no other."""

from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart

from headwater.documents.converters import html
from headwater.documents.converters.library import check_library
from headwater.documents.converters.plain_text import paragraphs
from headwater.documents.document import Document, Writer
from headwater.errors import listed

VERSION = 2
LIBRARY: str | None = None

_SHOWN = ("From", "To", "Cc", "Date", "Subject")


def convert(content: bytes) -> Document:
    """Make a document of a message; its title is the subject."""
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    writer = Writer()
    writer.paragraph("\n".join(f"{name}: {message[name]}" for name in _SHOWN if message[name]))
    body = message.get_body(("plain", "html"))
    notes = [_write(body, writer)] if body is not None else []
    document = writer.document(str(message["Subject"] or ""))
    attachments = message.iter_attachments()
    if names := [part.get_filename() or part.get_content_type() for part in attachments]:
        notes.append(f"attachments that are not read: {listed(names, 3)}")
    document.note = "; ".join(filter(None, notes))
    return document


def _write(body: MIMEPart, writer: Writer) -> str:
    """Write the text of a message, and return what is to be noted of it."""
    text, note = _text(body)
    if body.get_content_subtype() == "html":
        check_library(html.LIBRARY)
        part = "<html" not in text.lower()  # as many programs write, and trafilatura refuses
        html.write_page(f"<html><body>{text}</body></html>" if part else text, writer)
    else:
        text = text.replace("\r\n", "\n")
        for start, end in paragraphs(text):
            writer.paragraph(text[start:end])
    return note


def _text(body: MIMEPart) -> tuple[str, str]:
    """Return a text, and a note where its charset is not known to Python or not named."""
    content = body.get_payload(decode=True)
    assert isinstance(content, bytes)
    charset = body.get_param("charset")
    if charset is not None or content.isascii():
        try:
            return body.get_content(), ""
        except (LookupError, ValueError):  # as one for text, or at all
            said = f"its charset {str(charset)[:40]!r} is not known"
    else:
        said = "it names no charset"
    try:
        return content.decode("utf-8"), f"{said}; it is read as UTF-8"
    except UnicodeDecodeError:
        return content.decode("latin-1"), f"{said}; it is read as Latin-1"
