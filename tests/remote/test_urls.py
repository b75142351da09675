"""What is a URL, and where its copy lies."""

from pathlib import Path

import pytest

from headwater.errors import UserError
from headwater.remote.storage import check_url
from headwater.remote.urls import copy_of, origin, shown, url_of


def test_a_url_is_known_with_one_slash_or_two() -> None:
    assert url_of("s3://crawl/en/a.jsonl.gz") == "s3://crawl/en/a.jsonl.gz"
    assert url_of(Path("s3://crawl/en/")) == "s3://crawl/en"
    assert url_of("S3://crawl/A.txt") == "s3://crawl/A.txt"
    assert url_of("hf://datasets/me/set") == "hf://datasets/me/set"
    for path in ("books/a.txt", "s3", "s3:", "s3:///x", "C:/books", "/s3://a", "a/b:/c"):
        assert url_of(path) is None


@pytest.mark.parametrize("url", ["ftp://a/b", "abfs://store@account/a.txt"])
def test_an_address_of_another_kind_is_told(url: str) -> None:
    for given in (url, Path(url)):
        with pytest.raises(UserError, match=r"://.*: s3://, gs://, hf://, https:// or http:// was"):
            url_of(given)


def test_a_file_here_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s3:/crawl").mkdir(parents=True)
    assert url_of("s3://crawl") is None
    Path("ftp:").mkdir()
    Path("ftp:/a").touch()
    assert url_of("ftp://a") is None


def test_a_copy_lies_under_the_parts_of_its_url(cache: Path) -> None:
    copy = copy_of("s3://crawl/en/a.txt")
    assert copy == cache / "s3" / "crawl" / "en" / "a.txt"
    assert origin(copy) == "s3://crawl/en/a.txt"
    assert origin(Path("books/a.txt")) == "books/a.txt"


@pytest.mark.parametrize("key", ["../../etc/passwd", "en/../a", "en//a", "./a", "a" * 241])
def test_no_key_leads_out_of_the_cache(key: str) -> None:
    with pytest.raises(UserError, match="is no name for a file here"):
        copy_of(f"s3://crawl/{key}")


@pytest.mark.parametrize(
    "key", [".a.txt.json", "en/.a.txt.part.json", ".a.txt.PART", ".a.txt.lock/b", ".a.txt.9x.tmp"]
)
def test_no_key_replaces_what_is_known_of_a_copy(key: str) -> None:
    with pytest.raises(UserError, match="is no name for a file here"):
        copy_of(f"s3://crawl/{key}")
    assert copy_of("s3://crawl/.json").name == ".json"
    assert copy_of("s3://crawl/.a.txt").name == ".a.txt"


def test_what_cuts_a_name_on_windows_is_refused_there(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = ("en\\..\\a.txt", "C:", "a.txt:stream")
    for key in keys:
        assert copy_of(f"s3://crawl/{key}").name == key
    monkeypatch.setattr("headwater.remote.urls._APART", "\0\\:")
    for key in keys:
        with pytest.raises(UserError, match="is no name for a file here"):
            copy_of(f"s3://crawl/{key}")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://host/a.txt?key=1", "with \\?, # or a password"),
        ("https://me:secret@host/a.txt", "password"),
        ("s3://crawl", "a bucket alone"),
    ],
)
def test_what_cannot_be_fetched_is_refused(url: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as refused:
        check_url(url)
    assert "secret" not in str(refused.value) and "key=1" not in str(refused.value)


def test_passwords_are_not_shown() -> None:
    assert shown("https://me:secret@host/a.txt?key=1") == "https://...@host/a.txt"
