"""The bundled reader as other libraries run it."""

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import headwater
from headwater.data.example import SpanExample

LENGTH, STRIDE, BATCH = 384, 128, 32
FOLDER = Path(headwater.__file__).parent / "assets" / "reader"
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Ids, mask and segments, int64 [batch, length]."""


def tokenizer() -> Any:
    import transformers

    return transformers.AutoTokenizer.from_pretrained(FOLDER)


def network(dtype: torch.dtype = torch.float32) -> Any:
    """Return the network of `transformers`, with plain attention where that is faster."""
    import transformers

    plain = {"attn_implementation": "eager"} if dtype == torch.bfloat16 else {}
    found = transformers.AutoModelForQuestionAnswering.from_pretrained(FOLDER, dtype=dtype, **plain)
    return found.eval()


def windows(tokenize: Any, questions: Sequence[SpanExample], **options: Any) -> Any:
    """Cut the contexts of questions into windows."""
    return tokenize(
        [each.question for each in questions],
        [each.context for each in questions],
        truncation="only_second",
        max_length=LENGTH,
        stride=STRIDE,
        return_overflowing_tokens=True,
        **options,
    )


def batches(
    tokenize: Any, questions: Sequence[SpanExample], tokens: int | None = None
) -> Iterator[Arrays]:
    """Yield batches of like length: BATCH windows each, or at most so many `tokens`."""
    cut = windows(tokenize, questions)
    ids = cut["input_ids"]
    order = sorted(range(len(ids)), key=lambda index: -len(ids[index]))
    while order:
        length = len(ids[order[0]])
        size = BATCH if tokens is None else max(1, tokens // length)
        chosen, order = order[:size], order[size:]
        arrays = np.zeros((3, len(chosen), length), np.int64)
        for row, index in enumerate(chosen):
            count = len(ids[index])
            arrays[0, row, :count] = ids[index]
            arrays[1, row, :count] = 1
            arrays[2, row, :count] = cut["token_type_ids"][index]
        yield arrays[0], arrays[1], arrays[2]


def run(network: Any, arrays: Arrays) -> None:
    """Run a network of `transformers` on one batch."""
    ids, mask, segments = map(torch.from_numpy, arrays)
    network(input_ids=ids, attention_mask=mask, token_type_ids=segments)


class _Scores(torch.nn.Module):
    """A network that takes and gives plain tensors, as the export asks for."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Any, mask: Any, segments: Any) -> Any:
        outputs = self.network(input_ids=ids, attention_mask=mask, token_type_ids=segments)
        return outputs.start_logits, outputs.end_logits


class OnnxReader:
    """The network exported by torch, in float32 or quantized to int8 per channel."""

    def __init__(self, *, int8: bool, threads: int) -> None:
        import onnxruntime

        self.tokenizer = tokenizer()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        with tempfile.TemporaryDirectory() as folder:
            file = self._export(Path(folder))
            if int8:
                file = _quantized(file)
            self.session = onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )

    def _export(self, folder: Path) -> Path:
        names = ["ids", "mask", "segments"]
        example = self.tokenizer("Who?", "It was Ada who did it.", return_tensors="pt")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Scores(network()),
                (example.input_ids, example.attention_mask, example.token_type_ids),
                str(folder / "reader.onnx"),
                dynamo=False,
                opset_version=17,
                input_names=names,
                output_names=["start", "end"],
                dynamic_axes={name: {0: "batch", 1: "length"} for name in names},
            )
        return folder / "reader.onnx"

    def run(self, arrays: Arrays) -> None:
        """Run one batch."""
        self.session.run(None, dict(zip(("ids", "mask", "segments"), arrays, strict=True)))


def _quantized(file: Path) -> Path:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    output = file.with_suffix(".int8.onnx")
    quantize_dynamic(str(file), str(output), weight_type=QuantType.QInt8, per_channel=True)
    return output
