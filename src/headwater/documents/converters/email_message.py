"""`.eml`: who wrote to whom and when, then the text, from HTML where there is no other."""

from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart

from headwater.documents.converters import html
from headwater.documents.converters.library import check_library
from headwater.documents.converters.plain_text import paragraphs
from headwater.documents.document import Document, Writer
from headwater.errors import listed

VERSION = 1
LIBRARY: str | None = None

_SHOWN = ("From", "To", "Cc", "Date", "Subject")


def convert(content: bytes) -> Document:
    """Make a document of a message; its title is the subject."""
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    writer = Writer()
    writer.paragraph("\n".join(f"{name}: {message[name]}" for name in _SHOWN if message[name]))
    body = message.get_body(("plain", "html"))
    if body is not None and body.get_content_subtype() == "html":
        _write_html(body, writer)
    elif body is not None:
        text = body.get_content().replace("\r\n", "\n")
        for start, end in paragraphs(text):
            writer.paragraph(text[start:end])
    document = writer.document(str(message["Subject"] or ""))
    attachments = message.iter_attachments()
    if names := [part.get_filename() or part.get_content_type() for part in attachments]:
        document.note = f"attachments that are not read: {listed(names, 3)}"
    return document


def _write_html(body: MIMEPart, writer: Writer) -> None:
    check_library(html.LIBRARY)
    html.write_page(body.get_content(), writer)
