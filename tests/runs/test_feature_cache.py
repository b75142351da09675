"""What is kept on disk is what the body gives, is found again, and is made again when damaged."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import tiny
from headwater.data.batching import collate
from headwater.data.convert import Features
from headwater.errors import UserError
from headwater.models.feature_model import FeatureModel
from headwater.models.features_config import FeaturesConfig
from headwater.runs import feature_cache
from headwater.runs.feature_cache import FeatureCache, features_folder, keep_features


class Rows:
    """Sequences of given ids; `asked` counts how many were read."""

    def __init__(self, *ids: list[int], second: int = 9) -> None:
        self._ids, self._second, self.asked = ids, second, 0
        self.lengths = np.array([len(each) for each in ids])
        self.fingerprint = ""

    def __len__(self) -> int:
        return len(self._ids)

    def features(self, rows: np.ndarray, epoch: int) -> list[Features]:
        self.asked += len(rows)
        ids = [np.array(self._ids[row], np.int32) for row in rows.tolist()]
        kinds = [(each >= self._second).astype(np.int32) for each in ids]
        return [
            {"input_ids": each, "token_type_ids": kind, "labels": np.array(1, np.int32)}
            for each, kind in zip(ids, kinds, strict=True)
        ]


def small(layers: Any = "mix", stored_as: str = "float32", scale: float = 1.0) -> FeatureModel:
    body = tiny.bert()
    with torch.no_grad():
        body.layers[-1].feedforward.norm.weight.mul_(scale)
    shape = FeaturesConfig.check({"layers": layers, "stored_as": stored_as, "lstm": 0}, "test")
    return FeatureModel(body, shape, "span")


def kept(model: FeatureModel, rows: Rows, folder: Path) -> FeatureCache:
    return keep_features(model, [rows], 0, folder)


def as_batch(rows: Rows, *indices: int) -> dict[str, Tensor]:
    return collate(rows.features(np.array(indices), 0), 0)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/vectors.npy"))


SAME = Rows([5, 6, 7, 11], [8, 7, 6, 12], [5, 5, 9, 9])
MIXED = Rows([5, 6, 7, 11], [8, 7], [5, 5, 9], [8, 7])


@pytest.mark.parametrize("layers", ["last", "mix", 0, 1])
def test_what_is_kept_is_what_the_body_gives_to_the_bit(layers: Any, tmp_path: Path) -> None:
    model = small(layers)
    batch = as_batch(SAME, 0, 1, 2)
    found = kept(model, SAME, tmp_path)(batch)
    assert found is not None and torch.equal(found, model.taken(batch))


def test_features_of_other_lengths_are_near_and_padding_is_zero(tmp_path: Path) -> None:
    model, batch = small(), as_batch(MIXED, 2, 0, 3)
    found = kept(model, MIXED, tmp_path)(batch)
    assert found is not None and found.shape == (3, 4, 3, 16)
    mask = batch["attention_mask"][:, :, None, None]
    assert torch.allclose(found, model.taken(batch) * mask, atol=1e-5)
    assert np.load(files(tmp_path)[0]).shape == (4 + 2 + 3, 3, 16)  # equal features are kept once


def test_a_feature_that_was_not_kept_is_computed(tmp_path: Path) -> None:
    model = small()
    cache = kept(model, MIXED, tmp_path)
    for other in (Rows([8, 6]), Rows([8, 7], second=8)):  # other ids, another segment
        assert cache(as_batch(other, 0)) is None
        model.known = cache
        fresh = small()
        fresh.load_state_dict(model.state_dict())
        batch = as_batch(other, 0)
        model.eval()
        fresh.eval()
        assert torch.equal(model(batch).start_logits, fresh(batch).start_logits)


def test_a_second_run_finds_it_and_asks_the_body_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    first = kept(small(), MIXED, tmp_path)(as_batch(MIXED, 0))
    monkeypatch.setattr(FeatureModel, "taken", None)
    second = kept(small(), MIXED, tmp_path)(as_batch(MIXED, 0))
    assert first is not None and second is not None and torch.equal(first, second)
    assert [line.split()[-1] for line in caplog.messages] == ["(computed)", "(found)"]
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        (lambda: small(scale=1.5), MIXED),
        (lambda: small("last"), MIXED),
        (lambda: small(stored_as="float16"), MIXED),
        (small, Rows([5, 6, 7, 11], [8, 7], [5, 5, 10])),
        (small, Rows([5, 6, 7, 11], [8, 7], [5, 5, 9], second=8)),
    ],
    ids=["weights", "layers", "format", "ids", "segments"],
)
def test_other_weights_layers_or_features_are_kept_apart(
    model: Any, rows: Rows, tmp_path: Path
) -> None:
    kept(small(), MIXED, tmp_path)
    kept(model(), rows, tmp_path)
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize("damage", ["flipped", "cut", "no sum", "no vectors"])
def test_a_damaged_file_is_computed_again(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    batch = as_batch(MIXED, 0, 2)
    first = kept(small(), MIXED, tmp_path)(batch)
    [file] = files(tmp_path)
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    match damage:
        case "flipped":
            file.write_bytes(content)
        case "cut":
            file.write_bytes(content[:-8])
        case "no sum":
            (file.parent / "sha256").unlink()
        case _:
            file.unlink()
    caplog.set_level("INFO")
    again = kept(small(), MIXED, tmp_path)(batch)
    assert caplog.messages[0].endswith("(computed)")
    assert first is not None and again is not None and torch.equal(first, again)
    assert [item.name for item in tmp_path.glob(".*")] == []


def test_half_the_room_for_rounded_numbers(tmp_path: Path) -> None:
    batch = as_batch(MIXED, 0)
    one, other = (kept(small(stored_as=f), MIXED, tmp_path)(batch) for f in ("float32", "float16"))
    assert one is not None and other is not None and other.dtype == torch.float32
    assert torch.allclose(one, other, atol=1e-2) and not torch.equal(one, other)
    sizes = sorted(file.stat().st_size - 128 for file in files(tmp_path))
    assert sizes[1] == 2 * sizes[0]


def test_numbers_too_large_for_the_format_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not finite as float16") as caught:
        kept(small(stored_as="float16", scale=1e6), MIXED, tmp_path)
    assert "\n" not in str(caught.value)
    assert files(tmp_path) == [] and list(tmp_path.glob(".*")) == []
    kept(small(scale=1e6), MIXED, tmp_path)


def test_a_full_disk_is_reported_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 100

    monkeypatch.setattr(feature_cache.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(UserError, match=r"the features take 1\.7 KiB and 100 B are free; "):
        kept(small(), MIXED, tmp_path)


def test_a_folder_that_cannot_be_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot be written .* XDG_CACHE_HOME says") as caught:
        kept(small(), MIXED, tmp_path / "file" / "features")
    assert "\n" not in str(caught.value)


def test_what_a_kill_left_is_swept_and_what_another_writes_is_waited_for(tmp_path: Path) -> None:
    kept(small(), MIXED, tmp_path)
    key = files(tmp_path)[0].parent
    (key / "sha256").unlink()
    (tmp_path / f".{key.name}.abc.tmp").mkdir()
    script = (
        "import fcntl, os, sys, time\n"
        "handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "fcntl.flock(handle, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "time.sleep(1.5)\n"
        "open(sys.argv[1] + '.ended', 'w').close()\n"
    )
    lock = tmp_path / f"{key.name}.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    kept(small(), MIXED, tmp_path)
    assert (tmp_path / f"{lock.name}.ended").exists()
    assert holder.wait() == 0
    holder.stdout.close()
    assert list(tmp_path.glob(".*")) == []


def test_where_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert features_folder() == tmp_path / "headwater" / "features"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert features_folder() == tmp_path / "home" / ".cache" / "headwater" / "features"
