"""What is refused of the environment before obstore reads it."""

import pytest

from headwater.errors import UserError
from headwater.remote.copies import list_files
from headwater.remote.environment import check_environment

GOOD = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "a/b+c=",
    "AWS_SESSION_TOKEN": "",
    "AWS_REGION": "us-east-1",
}


def test_keys_and_addresses_pass() -> None:
    check_environment(GOOD)
    check_environment({"AWS_ENDPOINT_URL": "https://minio.example.org/s3"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_ENDPOINT_URL", ""),
        ("AWS_ENDPOINT_URL", "minio:9000"),
        ("AWS_ENDPOINT", "http://"),
        ("AWS_ENDPOINT_URL_S3", "http://a b"),
        ("AWS_ACCESS_KEY_ID", "sesame\n"),
        ("AWS_SECRET_ACCESS_KEY", "sesame\n"),
        ("AWS_SESSION_TOKEN", "sesame\u00e9"),
        ("AWS_REGION", "us east"),
    ],
)
def test_a_wrong_form_is_one_line_without_the_value(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("obstore")
    for each in GOOD:
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=rf"^{name} \(in the environment\): ") as told:
        list_files("s3://crawl/a.txt")
    assert "sesame" not in str(told.value)
    assert capfd.readouterr().err == ""
