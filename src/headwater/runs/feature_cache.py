"""What a frozen body makes of a run's training and validation sequences: computed once, and kept on
disk for every run that needs the same of the same body.

    ~/.cache/headwater/features/KEY/vectors.npy     float32 or float16 [tokens, layers, width]
                                    sha256          of that file

KEY is the SHA-256 of the body's weights and sizes, of the layers, of the number format and of the
sequences, so that nothing outdated is ever found. Equal sequences are kept once. The file is mapped
into memory; one that is damaged is computed again, and a second process waits for the first.
"""

import hashlib
import logging
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, final

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor

from headwater.data.batching import collate
from headwater.data.convert import Features, FeatureSet
from headwater.errors import UserError
from headwater.files import replacing_folder, reserve, sha256, sweep
from headwater.inference.batches import batch_tokens, batches
from headwater.inference.running import autocast, evaluating
from headwater.models.families import sizes_of
from headwater.models.feature_model import FeatureModel
from headwater.paths import cache_folder
from headwater.sizes import byte_size

logger = logging.getLogger(__name__)

Floats = NDArray[np.floating[Any]]

_FORMAT = 1  # to be raised where the same key would stand for other numbers
_VECTORS, _SUM = "vectors.npy", "sha256"
_INPUTS = ("input_ids", "token_type_ids")  # what a body reads
_KEY_LENGTH = 32
_CHUNK = 1024


@final
class FeatureCache:
    """The vectors of sequences, found by their tokens and segments: `FeatureModel.known`."""

    def __init__(self) -> None:
        self._found: dict[bytes, tuple[Floats, int]] = {}

    def add(self, keys: Sequence[bytes], bounds: Sequence[int], vectors: Floats) -> None:
        """Add the vectors `[tokens, layers, width]` of distinct sequences, cut at `bounds`."""
        for key, begin in zip(keys, bounds, strict=False):
            self._found[key] = (vectors, begin)

    def __call__(self, batch: Mapping[str, Tensor]) -> Tensor | None:
        """Return `[batch, length, layers, width]`, 0 on padding; None where one is not known."""
        ids = batch["input_ids"]
        types, mask = batch["token_type_ids"].cpu().numpy(), batch.get("attention_mask")
        lengths = [ids.shape[1]] * len(ids) if mask is None else mask.sum(1).tolist()
        keys = (
            _sequence_key(tokens[:length], segments[:length])
            for tokens, segments, length in zip(ids.cpu().numpy(), types, lengths, strict=True)
        )
        known = [self._found[key] for key in keys if key in self._found]
        if len(known) < len(ids):
            return None
        gathered = np.zeros((*ids.shape, *known[0][0].shape[1:]), np.float32)
        for index, ((vectors, begin), length) in enumerate(zip(known, lengths, strict=True)):
            gathered[index, :length] = vectors[begin : begin + length]
        return torch.from_numpy(gathered).to(ids.device)


def keep_features(
    model: FeatureModel, sets: Sequence[FeatureSet], pad_id: int, folder: Path | None = None
) -> FeatureCache:
    """Compute the body's vectors of all sequences, or find them on disk.

    Args:
        sets: with `input_ids` and `token_type_ids`; what else they hold does not count.
        folder: of the cache; None: `features_folder()`.
    """
    cache, body = FeatureCache(), _body_digest(model)
    for sequences in sets:
        if len(sequences):
            stored = _StoredSet(model, sequences, pad_id, body, folder or features_folder())
            vectors = stored.vectors()
            cache.add(stored.keys, stored.bounds, vectors)
    return cache


def features_folder() -> Path:
    """Return where features are kept; it may be deleted at any time between runs."""
    return cache_folder("features")


def _body_digest(model: FeatureModel) -> str:
    """Return the SHA-256 of the body's sizes and of its tensors."""
    digest = hashlib.sha256(repr(model.config).encode())
    for name, tensor in sorted(model.body.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    if isinstance(words := getattr(model.body, "words", None), Tensor):  # how an ELMo spells ids
        digest.update(words.cpu().contiguous().numpy().data)
    return digest.hexdigest()


@final
class _StoredSet:
    """The vectors of one set of sequences: where they are, and how they are computed."""

    def __init__(
        self, model: FeatureModel, sequences: FeatureSet, pad_id: int, body: str, folder: Path
    ) -> None:
        self._model, self._sequences, self._pad_id = model, sequences, pad_id
        first: dict[bytes, int] = {}
        for index, each in enumerate(_in_order(sequences)):
            first.setdefault(_sequence_key(each["input_ids"], each["token_type_ids"]), index)
        self.keys = list(first)
        self._indices = np.array(list(first.values()), np.int64)
        self._lengths = sequences.lengths[self._indices]
        self.bounds: list[int] = np.concatenate(([0], np.cumsum(self._lengths))).tolist()
        self._dtype = np.dtype(model.features.stored_as)
        self._shape = (self.bounds[-1], len(model.layers), sizes_of(model.config).hidden_size)
        what = (_FORMAT, body, tuple(model.layers), str(self._dtype), b"".join(self.keys))
        self._folder = folder / hashlib.sha256(repr(what).encode()).hexdigest()[:_KEY_LENGTH]

    def vectors(self) -> Floats:
        """Return `[tokens, layers, width]`, mapped; of many processes one computes them."""
        size, how = math.prod(self._shape) * self._dtype.itemsize, "found"
        vectors = self._whole()
        if vectors is None:
            try:
                self._folder.parent.mkdir(parents=True, exist_ok=True)
                with FileLock(self._folder.with_suffix(".lock")):
                    vectors = self._whole()
                    if vectors is None:
                        self._write(size)
                        vectors, how = np.load(self._folder / _VECTORS, mmap_mode="r"), "computed"
            except OSError as error:
                raise UserError(
                    f"{self._folder}: cannot be written ({error.strerror or error}); features are "
                    "kept there, or where XDG_CACHE_HOME says"
                ) from None
        logger.info(
            f"features: {len(self.keys):,} sequences, {byte_size(size)} in {self._folder} ({how})"
        )
        return vectors

    def _whole(self) -> Floats | None:
        """Return what is kept, mapped; None where there is nothing, or not what was written."""
        try:
            expected = (self._folder / _SUM).read_text("utf-8").strip()
            if sha256(self._folder / _VECTORS) != expected:
                return None
            found: Floats = np.load(self._folder / _VECTORS, mmap_mode="r")
        except (OSError, ValueError):
            return None
        return found if found.dtype == self._dtype and found.shape == self._shape else None

    def _write(self, size: int) -> None:
        sweep(self._folder.parent, [f"{self._folder.name}.*"])
        _check_room(self._folder.parent, size)
        with replacing_folder(self._folder) as temporary:
            with (temporary / _VECTORS).open("wb") as file:  # mapped, a full disk would be SIGBUS
                _write_header(file, self._dtype, self._shape)
                begin, row = file.tell(), math.prod(self._shape[1:]) * self._dtype.itemsize
                reserve(file, begin + size)
                for index, values in self._computed():
                    file.seek(begin + self.bounds[index] * row)
                    file.write(values.tobytes())
            (temporary / _SUM).write_text(sha256(temporary / _VECTORS), "utf-8")

    def _computed(self) -> Iterator[tuple[int, Floats]]:
        """Yield the index of each distinct sequence and its vectors `[length, layers, width]`."""
        model = self._model
        device = next(model.parameters()).device
        with evaluating(model), autocast(torch.float32, device):
            for indices in batches(self._lengths, batch_tokens(device)):
                inputs = [
                    {name: each[name] for name in _INPUTS}
                    for each in self._sequences.features(self._indices[indices], 0)
                ]
                vectors = model.taken(collate(inputs, self._pad_id, device)).float().cpu().numpy()
                for index, values in zip(indices.tolist(), vectors, strict=True):
                    yield index, _rounded(values[: self._lengths[index]], self._dtype)


def _sequence_key(ids: NDArray[Any], types: NDArray[Any]) -> bytes:
    both = np.stack((ids, types)).astype(np.int32)
    return hashlib.blake2b(both.tobytes(), digest_size=16).digest()


def _in_order(sequences: FeatureSet) -> Iterator[Features]:
    for begin in range(0, len(sequences), _CHUNK):
        yield from sequences.features(np.arange(begin, min(begin + _CHUNK, len(sequences))), 0)


def _rounded(values: NDArray[np.float32], dtype: np.dtype[Any]) -> Floats:
    with np.errstate(over="ignore"):
        rounded: Floats = values.astype(dtype)
    if np.isfinite(rounded).all():
        return rounded
    raise UserError(
        f"features: a number is not finite as {dtype}; the weights are damaged, or it is too "
        'large for features.stored_as = "float16"'
    )


def _write_header(file: BinaryIO, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise UserError(
            f"{folder}: the features take {byte_size(size)} and {byte_size(free)} are free; "
            'delete old ones there, set XDG_CACHE_HOME, or features.stored_as = "float16"'
        )
