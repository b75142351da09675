"""`.epub`: the chapters in the order of reading, each as a page of HTML."""

import zlib
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING
from urllib.parse import unquote
from zipfile import BadZipFile, ZipFile

from headwater.documents.converters import zipped
from headwater.documents.converters.html import write_page
from headwater.documents.document import Document, Writer
from headwater.errors import UserError, listed

if TYPE_CHECKING:
    from lxml.etree import _Element

VERSION = 2
LIBRARY: str | None = "trafilatura"

_CONTAINER = "META-INF/container.xml"


def convert(content: bytes) -> Document:
    """Make a document of a book."""
    writer, missing = Writer(), list[str]()
    with zipped.opened(content) as archive:
        if "META-INF/encryption.xml" in archive.namelist():
            raise UserError("encrypted; a copy without protection is needed")
        roots = _all(_xml(archive, _CONTAINER), "rootfile")
        package_name = roots[0].get("full-path", "") if roots else ""
        package = _xml(archive, package_name)
        title = next(("".join(map(str, each.itertext())) for each in _all(package, "title")), "")
        for chapter in _chapters(package, dirname(package_name)):
            writer.path.leave()
            try:
                write_page(archive.read(chapter), writer)
            except (KeyError, UserError, BadZipFile, zlib.error):
                missing.append(chapter)
    document = writer.document(title)
    if missing:
        document.note = f"chapters that cannot be read: {listed(missing, 3)}"
    return document


def _chapters(package: "_Element", folder: str) -> list[str]:
    """Return the names of the chapters in the archive, in the order of reading, each once."""
    files = {each.get("id"): each.get("href", "") for each in _all(package, "item")}
    order = [files.get(each.get("idref")) for each in _all(package, "itemref")]
    return list(dict.fromkeys(normpath(join(folder, unquote(name))) for name in order if name))


def _all(tree: "_Element", name: str) -> "list[_Element]":
    """Return the elements of a name, whatever their namespace."""
    return [each for each in tree.iter() if str(each.tag).rpartition("}")[2] == name]


def _xml(archive: ZipFile, name: str) -> "_Element":
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(archive.read(name), parser)
    except KeyError:
        raise UserError(f"not a whole book: {name or 'its package'} is missing") from None
