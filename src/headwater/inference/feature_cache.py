"""The features of a run's rows: computed once by the frozen body, and kept on disk for every run
that asks the same body for the same.

    ~/.cache/headwater/features/KEY/vectors.npy     float32 or float16 [tokens, layers, width]
                                    sha256          of that file

KEY is the SHA-256 of the body's weights and sizes, of the layers, of the number format and of the
rows, so that nothing outdated is ever found. Rows that are equal are kept once. The file is mapped
into memory; one that is damaged is computed again, and a second process waits for the first.

It stands in this room because it runs a network over rows, as answering does.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headwater.data.batching import collate
from headwater.data.convert import Features, FeatureSet
from headwater.errors import UserError
from headwater.files import replacing_folder, sha256
from headwater.inference.batches import autocast, batch_tokens, batches, evaluating
from headwater.lock import locked
from headwater.models.feature_model import FeatureModel
from headwater.models.layer_outputs import width
from headwater.training.state_folder import sweep

Say = Callable[[str], None]
Floats = NDArray[np.floating[Any]]

_FORMAT = 1  # to be raised where the same key would stand for other numbers
_VECTORS, _SUM = "vectors.npy", "sha256"
_READ = ("input_ids", "token_type_ids")  # of a row, by a body
_KEY = 32  # letters of a key: enough to tell all apart
_WAIT = 0.2  # seconds between looks at what another process is computing
_CHUNK = 1024


@final
class FeatureCache:
    """The vectors of rows, by what stands in the rows: `FeatureModel.known`."""

    def __init__(self) -> None:
        self._places: dict[bytes, tuple[Floats, int]] = {}

    def add(self, names: Sequence[bytes], bounds: Sequence[int], vectors: Floats) -> None:
        """Take the vectors `[tokens, layers, width]` of distinct rows, cut at `bounds`."""
        for name, begin in zip(names, bounds, strict=False):
            self._places[name] = (vectors, begin)

    def __call__(self, batch: Mapping[str, Tensor]) -> Tensor | None:
        """Return `[batch, length, layers, width]`, 0 on padding; None where a row is not known."""
        ids = batch["input_ids"]
        types, mask = (batch[name].cpu().numpy() for name in ("token_type_ids", "attention_mask"))
        lengths = mask.sum(1).tolist()
        rows = zip(ids.cpu().numpy(), types, lengths, strict=True)
        found = [self._places.get(_name(row[:many], kinds[:many])) for row, kinds, many in rows]
        known = [each for each in found if each is not None]
        if len(known) < len(found):
            return None
        gathered = np.zeros((*ids.shape, *known[0][0].shape[1:]), np.float32)
        for place, ((vectors, begin), many) in enumerate(zip(known, lengths, strict=True)):
            gathered[place, :many] = vectors[begin : begin + many]
        return torch.from_numpy(gathered).to(ids.device)


def keep_features(
    model: FeatureModel,
    sets: Sequence[FeatureSet],
    pad_id: int,
    say: Say,
    folder: Path | None = None,
) -> FeatureCache:
    """Compute the features of all rows, or find them on disk.

    Args:
        sets: rows with `input_ids` and `token_type_ids`; what else they hold does not count.
        folder: of the cache; None: `features_folder()`.

    Raises:
        UserError: the disk is full or refuses, or a number does not fit the format.
    """
    cache, body = FeatureCache(), body_digest(model)
    for rows in sets:
        if len(rows):
            kept = _Kept(model, rows, pad_id, body, folder or features_folder())
            vectors = kept.vectors(say)
            cache.add(kept.names, kept.bounds, vectors)
    return cache


def features_folder() -> Path:
    """Return where features are kept; it may be deleted at any time between runs."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "headwater" / "features"


def body_digest(model: FeatureModel) -> str:
    """Return the SHA-256 of the body's sizes and of its tensors."""
    digest = hashlib.sha256(repr(model.config).encode())
    for name, tensor in sorted(model.body.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    if isinstance(words := getattr(model.body, "words", None), Tensor):  # how an ELMo spells ids
        digest.update(words.cpu().contiguous().numpy().data)
    return digest.hexdigest()


@final
class _Kept:
    """The features of one set of rows: where they are, and how they are made."""

    def __init__(
        self, model: FeatureModel, rows: FeatureSet, pad_id: int, body: str, folder: Path
    ) -> None:
        self._model, self._rows, self._pad_id = model, rows, pad_id
        first: dict[bytes, int] = {}
        for place, row in enumerate(_each(rows)):
            first.setdefault(_name(row["input_ids"], row["token_type_ids"]), place)
        self.names = list(first)
        self._places = np.array(list(first.values()), np.int64)
        self._lengths = rows.lengths[self._places]
        self.bounds: list[int] = np.concatenate(([0], np.cumsum(self._lengths))).tolist()
        self._stored = np.dtype(model.features.stored_as)
        self._shape = (self.bounds[-1], len(model.layers), width(model.body))
        what = (_FORMAT, body, tuple(model.layers), str(self._stored), b"".join(self.names))
        self._folder = folder / hashlib.sha256(repr(what).encode()).hexdigest()[:_KEY]

    def vectors(self, say: Say) -> Floats:
        """Return `[tokens, layers, width]`, mapped; computed once whatever many processes ask."""
        size = int(np.prod(self._shape)) * self._stored.itemsize
        told = f"features: {len(self.names):,} rows, {size / 2**20:,.1f} MiB in {self._folder}"
        how = "found"
        while not self._whole():
            with ExitStack() as stack:
                try:
                    self._folder.parent.mkdir(parents=True, exist_ok=True)
                    stack.enter_context(locked(self._folder.with_suffix(".lock"), "computing"))
                except UserError:  # another process is at it
                    time.sleep(_WAIT)
                    continue
                except OSError as error:
                    raise _refused(self._folder.parent, error) from None
                if not self._whole():
                    self._write(size)
                    how = "computed"
        say(f"{told} ({how})")
        found: Floats = np.load(self._folder / _VECTORS, mmap_mode="r")
        return found

    def _whole(self) -> bool:
        try:
            told = (self._folder / _SUM).read_text("utf-8").strip()
            return sha256(self._folder / _VECTORS) == told
        except (OSError, ValueError):
            return False

    def _write(self, size: int) -> None:
        folder = self._folder
        sweep(folder.parent, [f"{folder.name}.*"])
        _check_room(folder.parent, size)
        try:
            with replacing_folder(folder) as temporary:
                table = np.lib.format.open_memmap(
                    temporary / _VECTORS, mode="w+", dtype=self._stored, shape=self._shape
                )
                for place, values in self._computed():
                    table[self.bounds[place] : self.bounds[place + 1]] = values
                table.flush()
                del table
                (temporary / _SUM).write_text(sha256(temporary / _VECTORS), "utf-8")
        except OSError as error:
            raise _refused(folder, error) from None

    def _computed(self) -> Iterator[tuple[int, Floats]]:
        """Yield the number of each distinct row and its vectors `[length, layers, width]`."""
        model = self._model
        device = next(model.parameters()).device
        with evaluating(model), autocast(torch.float32, device):
            for places in batches(self._lengths, batch_tokens(device)):
                read = [
                    {name: row[name] for name in _READ}
                    for row in self._rows.features(self._places[places], 0)
                ]
                vectors = model.taken(collate(read, self._pad_id, device)).float().cpu().numpy()
                for place, values in zip(places.tolist(), vectors, strict=True):
                    yield place, _fits(values[: self._lengths[place]], self._stored)


def _name(ids: NDArray[Any], types: NDArray[Any]) -> bytes:
    """Name a row by what a body reads of it."""
    both = np.stack((ids, types)).astype(np.int32)
    return hashlib.blake2b(both.tobytes(), digest_size=16).digest()


def _each(rows: FeatureSet) -> Iterator[Features]:
    for begin in range(0, len(rows), _CHUNK):
        yield from rows.features(np.arange(begin, min(begin + _CHUNK, len(rows))), 0)


def _fits(values: NDArray[np.float32], stored: np.dtype[Any]) -> Floats:
    with np.errstate(over="ignore"):
        written: Floats = values.astype(stored)
    if np.isfinite(written).all():
        return written
    raise UserError(
        f"features: a number is not finite as {stored}; the weights are damaged, or it is too "
        'large for features.stored_as = "float16"'
    )


def _refused(folder: Path, error: OSError) -> UserError:
    return UserError(
        f"{folder}: cannot be written ({error.strerror or error}); features are kept there, or "
        "where XDG_CACHE_HOME says"
    )


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise UserError(
            f"{folder}: the features take {size / 2**30:.1f} GiB and {free / 2**30:.1f} are free; "
            'delete old ones there, set XDG_CACHE_HOME, or features.stored_as = "float16"'
        )
