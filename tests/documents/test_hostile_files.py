"""PDFs and archives that mean harm, lines without end, what may not be read, what is missing."""

import json
import os
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import made
from headwater.documents import child
from headwater.documents.conversion import Converted, Refused, convert_all
from headwater.documents.limits import Limits
from headwater.documents.update import build

SMALL = Limits(seconds=10, memory=2**29, size=2**22)
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
FORM = "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources"


def converted(folder: Path, files: Mapping[str, bytes]) -> dict[str, str | Converted]:
    """Convert files by a small process; of what is refused its reason."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    found = convert_all([folder / name for name in files], SMALL)
    return {
        file.name: result.reason if isinstance(result, Refused) else result
        for file, result in found
    }


def stream(data: str, extra: str = "") -> str:
    return f"<< /Length {len(data)} {extra} >>\nstream\n{data}\nendstream"


def pdf(
    *more: str, pages: str = "/Kids [4 0 R] /Count 1", root: str = "", content: str = ""
) -> bytes:
    """Return a PDF of one page that draws the form in object 6; `more` are objects from 6 on."""
    text = "BT /F1 10 Tf 72 700 Td (The castle burned) Tj ET /X Do"
    return made._file(
        [
            f"<< /Type /Catalog /Pages 2 0 R {root} >>",
            f"<< /Type /Pages {pages} >>",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources "
            "<< /Font << /F1 3 0 R >> /XObject << /X 6 0 R >> >> >>",
            content or stream(text),
            *more,
        ],
        "",
    )


def test_pdfs_whose_objects_run_in_circles(tmp_path: Path) -> None:
    outline = (
        "<< /Type /Outlines /First 7 0 R /Last 7 0 R /Count 1 >>",
        "<< /Title (A) /Parent 6 0 R /Next 7 0 R /First 7 0 R /Dest [4 0 R /Fit] >>",
    )
    itself = stream("/X Do /X Do", f"{FORM} << /XObject << /X 6 0 R >> >>")
    tenfold = [
        stream("/X Do " * 10, f"{FORM} << /XObject << /X {7 + number} 0 R >> >>")
        for number in range(30)
    ]
    found = converted(
        tmp_path,
        {
            "pages.pdf": pdf(pages="/Kids [2 0 R 4 0 R] /Count 2"),
            "outline.pdf": pdf(*outline, root="/Outlines 6 0 R"),
            "length.pdf": pdf(content="<< /Length 5 0 R >>\nstream\nBT ET\nendstream"),
            "count.pdf": pdf(pages="/Kids [4 0 R] /Count 2000000000"),
            "negative.pdf": pdf(pages="/Kids [4 0 R] /Count -5"),
            "form.pdf": pdf(itself),
            "forms.pdf": pdf(*tenfold, stream("/X Do", FORM + " << >>")),
            "deep.pdf": pdf(content=stream("[" * 200_000)),
            "after.pdf": pdf(),
        },
    )
    for name in ("pages.pdf", "outline.pdf", "count.pdf", "negative.pdf", "after.pdf"):
        result = found[name]
        assert isinstance(result, Converted) and result.passages[0].text == "The castle burned"
    for name in ("length.pdf", "form.pdf", "forms.pdf", "deep.pdf"):
        assert isinstance(found[name], str) and found[name]


def test_a_stream_of_a_pdf_that_holds_a_gigabyte(tmp_path: Path) -> None:
    packed = zlib.compress(zlib.compress(bytes(2**30), 1), 9).decode("latin-1")
    content = f"<< /Length {len(packed)} /Filter [/FlateDecode /FlateDecode] >>"
    whole = pdf(content=f"{content}\nstream\n@\nendstream").replace(b"@", packed.encode("latin-1"))
    found = converted(tmp_path, {"bomb.pdf": whole, "after.pdf": pdf()})
    assert len(whole) < 100_000 and isinstance(found["bomb.pdf"], str)
    assert isinstance(found["after.pdf"], Converted)


def changed(archive: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """Return a zip archive with other content."""
    data, whole = BytesIO(), zipfile.ZipFile(BytesIO(archive))
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as other:
        for name in whole.namelist():
            other.writestr(name, change(name, whole.read(name)))
    return data.getvalue()


def test_archives_that_are_not_what_they_say(tmp_path: Path) -> None:
    made.docx(tmp_path / "whole.docx")
    word = (tmp_path / "whole.docx").read_bytes()
    (tmp_path / "secret.txt").write_text("a secret")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    laughs = f'<!DOCTYPE d [<!ENTITY l0 "{"ha" * 1000}">{laughs}]>'
    outside = f'<!DOCTYPE d [<!ENTITY l8 SYSTEM "file://{tmp_path / "secret.txt"}">]>'

    def with_entity(declared: str) -> bytes:
        def change(name: str, content: bytes) -> bytes:
            head, _, rest = content.partition(b"?>")
            if name != "word/document.xml":
                return content
            return head + b"?>" + declared.encode() + rest.replace(b"It grinds no more", b"&l8;")

        return changed(word, change)

    many = changed(
        word,
        lambda name, content: (
            content.replace(b"It grinds no more.", b"word " * 600_000)
            if name == "word/document.xml"
            else content
        ),
    )
    real = zipfile.ZipFile(BytesIO(many)).getinfo("word/document.xml").file_size
    book = made.epub({"one": "The lighthouse shines."})
    item = b'<itemref idref="one"/>'
    found = converted(
        tmp_path,
        {
            "laughs.docx": with_entity(laughs),
            "outside.docx": with_entity(outside),
            "lies.docx": many.replace(real.to_bytes(4, "little"), (5000).to_bytes(4, "little")),
            "members.docx": made.zipped({str(number): "" for number in range(20_001)}),
            "often.epub": changed(book, lambda _, text: text.replace(item, item * 100_000)),
            "up.epub": changed(book, lambda _, text: text.replace(b"one.xhtml", b"../../x")),
            "itself.epub": changed(
                book, lambda _, text: text.replace(b"in/a.opf", b"META-INF/container.xml")
            ),
            "after.docx": word,
        },
    )
    for name, reason in {
        "laughs.docx": "broken",
        "lies.docx": "broken",
        "members.docx": "too large: holds more than 256 MiB or 20,000 files",
        "up.epub": "chapters that cannot be read",
        "itself.epub": "holds no text",
    }.items():
        result = found[name]
        assert isinstance(result, str) and result.startswith(reason), (name, result)
    often = found["often.epub"]  # read once
    assert isinstance(often, Converted) and len(often.passages) == 1
    assert "secret" not in str(found["outside.docx"])
    assert isinstance(found["after.docx"], Converted)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no resource limits there")
def test_lines_without_end_take_bounded_memory(tmp_path: Path) -> None:
    """A file of 1 GB is refused unread; one of 30 MB is cut, by a process of less than 1 GiB."""
    folder = tmp_path / "documents"
    folder.mkdir()
    with (folder / "a.txt").open("wb") as file:
        for _ in range(1000):
            file.write(b"x" * 10**6)
    (folder / "b.txt").write_bytes(b"word " * 6_000_000)
    script = (
        "import json, resource, sys\n"
        "from pathlib import Path\n"
        "from headwater.documents.index import open_index\n"
        "from headwater.documents.update import build\n"
        "build([Path(sys.argv[1])], Path(sys.argv[2]))\n"
        "with open_index(sys.argv[2]) as index:\n"
        "    rows = {Path(row.path).name: [row.reason, row.passages] for row in index.files()}\n"
        "others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024\n"
        "own = Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]\n"
        "print(json.dumps([rows, int(own) / 1024, others]))\n"  # ru_maxrss is also the parent's
    )
    command = [sys.executable, "-c", script, str(folder), str(tmp_path / "x.index")]
    ran = subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True)
    found, own, others = json.loads(ran.stdout)
    assert found["a.txt"] == ["holds more than 256 MiB; split it into several", 0]
    assert found["b.txt"] == ["", 30_000]
    assert own < 300 and others < 1024, (own, others)


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("The mill.")

    def refuses(path: Path, mode: str = "r", **named: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuses)  # root may read everything
    answer = child.answer_for(tmp_path / "a.txt", Limits())
    assert answer == {"reason": "cannot be read (Permission denied)"}


@pytest.mark.skipif(os.name == "nt", reason="no resource limits there")
def test_what_cannot_be_written_is_no_damage(headwater: Any, tmp_path: Path) -> None:
    folder, index = tmp_path / "documents", tmp_path / "x.index"
    folder.mkdir()
    (folder / "a.txt").write_text("The mill.")
    build([folder], index)
    (folder / "b.txt").write_text("\n\n".join(f"Line {number} of it." for number in range(30_000)))
    command = f"ulimit -f 700; exec {sys.executable} -m headwater index update {index}"
    ran = subprocess.run(
        ["bash", "-c", command], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1), ran.stderr
    assert "damaged" not in ran.stderr and str(index) in ran.stderr
    assert headwater("index", "show", index, "--verify").code == 0
    assert headwater("index", "update", index).code == 0
    assert json.loads(headwater("index", "show", index, "--json").out)["files"] == {"indexed": 2}


@pytest.mark.parametrize("year", [1, 1600, 2400])
def test_dates_that_an_index_cannot_hold(headwater: Any, tmp_path: Path, year: int) -> None:
    folder, seconds = tmp_path / "documents", (year - 1970) * 31_556_952
    folder.mkdir()
    for name in ("a.xyz", "b.txt", "c.pdf"):
        (folder / name).write_text("The mill.")
        os.utime(folder / name, (seconds, seconds))
    build([folder], tmp_path / "x.index")
    for moment in (0, seconds):
        for name in ("a.xyz", "b.txt"):
            os.utime(folder / name, (moment, moment))
        assert headwater("index", "update", tmp_path / "x.index").code == 0
    assert headwater("index", "search", tmp_path / "x.index", "mill").out.startswith("1. ")


@pytest.mark.skipif(os.name == "nt", reason="no signals there")
def test_a_second_writer_is_told_and_the_first_goes_on(headwater: Any, tmp_path: Path) -> None:
    folder, index = tmp_path / "documents", tmp_path / "x.index"
    folder.mkdir()
    (folder / "0.txt").write_text("The mill.")
    build([folder], index)
    for number in range(400):
        (folder / f"{number}.txt").write_text(f"The mill of number {number}. " * 50)
    command = [sys.executable, "-m", "headwater", "index", "update", str(index)]
    first = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    while not (tmp_path / ".x.index.lock").exists():
        assert first.poll() is None
        time.sleep(0.005)
    for given in (
        ("update", index),
        ("remove", index, folder),
        ("build", folder, "--output", index),
    ):
        ran = headwater("index", *given)
        assert (ran.code, ran.err.count("\n"), ran.out) == (2, 1, ""), ran
        assert "another process is changing this index; wait" in ran.err
    assert first.poll() is None, "it ended before the second one was told"
    assert headwater("index", "search", index, "mill").code == 0
    assert first.wait() == 0
    assert json.loads(headwater("index", "show", index, "--json").out)["files"] == {"indexed": 400}


def test_a_machine_without_the_libraries_names_the_extra(tmp_path: Path) -> None:
    made.folder(tmp_path / "documents")
    (tmp_path / "site").mkdir()
    missing = ("pypdfium2", "docx", "trafilatura", "tantivy", "psycopg")
    code = f"import sys\nsys.modules.update(dict.fromkeys({missing}))\n"
    (tmp_path / "site" / "sitecustomize.py").write_text(code)
    paths = os.pathsep.join([str(tmp_path / "site"), ENVIRONMENT["PYTHONPATH"]])

    def run(*given: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "headwater", "index", *given]
        environment = {**ENVIRONMENT, "PYTHONPATH": paths}
        return subprocess.run(
            command, env=environment, cwd=tmp_path, check=False, capture_output=True, text=True
        )

    assert run("build", "documents", "--output", "x.index").returncode == 0
    shown = run("show", "x.index").stdout
    for package in ("pypdfium2", "python-docx", "trafilatura"):
        assert f"(reading it needs {package}; pip install 'headwater[documents]')" in shown
    ran = run("build", "documents/below", "--output", "y.index")
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert (
        "castle.pdf: reading it needs pypdfium2; pip install 'headwater[documents]'" in ran.stderr
    )
    for engine, extra in (("tantivy", "tantivy"), ("postgresql://h/d", "postgresql")):
        ran = run("build", "documents", "--output", "y.index", "--engine", engine)
        assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
        assert f"pip install 'headwater[{extra}]'" in ran.stderr
    assert not (tmp_path / "y.index").exists()
