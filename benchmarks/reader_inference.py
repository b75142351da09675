"""Questions per second of the bundled reader: headwater beside transformers and onnxruntime.

    python benchmarks/reader_inference.py --squad dev-v1.1.json --questions 200 --turns 5

All sides answer the same questions in turns, with windows of 384 tokens and a stride of 128. Needs
`transformers`, `onnx` and `onnxruntime`.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from paired.turns import Side, print_ratios, take_turns

import headwater

LENGTH, STRIDE, BATCH, TOKENS = 384, 128, 32, 1024
Question = tuple[str, str]
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]
FOLDER = Path(headwater.__file__).parent / "assets" / "reader"


def read_questions(path: Path, count: int) -> list[Question]:
    """Return some questions of a SQuAD file with their contexts, in a fixed random order."""
    found = [
        (question["question"], paragraph["context"])
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
    random.Random(3).shuffle(found)
    return found[:count]


class TransformersSides:
    """The loops that a user of `transformers` would write, from plain to tuned."""

    def __init__(self, questions: list[Question]) -> None:
        import transformers

        load = transformers.AutoModelForQuestionAnswering.from_pretrained
        self.questions = questions
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER)
        self.network = load(FOLDER, dtype=torch.float32).eval()
        self.half = load(FOLDER, dtype=torch.bfloat16, attn_implementation="eager").eval()

    def windows(self) -> Any:
        """Cut every question's context into windows."""
        texts, contexts = map(list, zip(*self.questions, strict=True))
        return self.tokenizer(
            texts,
            contexts,
            truncation="only_second",
            max_length=LENGTH,
            stride=STRIDE,
            return_overflowing_tokens=True,
        )

    def batches(self, tokens: int | None = None) -> Iterator[Arrays]:
        """Yield batches of like length: BATCH windows each, or at most so many `tokens`."""
        windows = self.windows()
        ids = windows["input_ids"]
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
                arrays[2, row, :count] = windows["token_type_ids"][index]
            yield arrays[0], arrays[1], arrays[2]

    def one_by_one(self) -> int:
        """Answer each question by itself, in float32."""
        with torch.inference_mode():
            for question in self.questions:
                inputs = self.tokenizer(
                    *question,
                    truncation="only_second",
                    max_length=LENGTH,
                    stride=STRIDE,
                    return_overflowing_tokens=True,
                    padding=True,
                    return_tensors="pt",
                )
                del inputs["overflow_to_sample_mapping"]
                self.network(**inputs)
        return len(self.questions)

    def batched(self, network: Any, *, tokens: int | None = None, autocast: bool = False) -> Side:
        """Return the loop over batches for one network."""

        def run() -> int:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                for arrays in self.batches(tokens):
                    ids, mask, segments = map(torch.from_numpy, arrays)
                    network(input_ids=ids, attention_mask=mask, token_type_ids=segments)
            return len(self.questions)

        return run


class _Scores(torch.nn.Module):
    """A network that takes and gives plain tensors, as the export asks for."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Any, mask: Any, segments: Any) -> Any:
        outputs = self.network(input_ids=ids, attention_mask=mask, token_type_ids=segments)
        return outputs.start_logits, outputs.end_logits


def onnx_files(sides: TransformersSides, folder: Path) -> tuple[Path, Path]:
    """Export the network in float32 and quantize it to int8 per channel."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole, quantized = folder / "reader.onnx", folder / "reader.int8.onnx"
    example = sides.tokenizer(*sides.questions[0], return_tensors="pt")
    torch.onnx.export(
        _Scores(sides.network),
        (example.input_ids, example.attention_mask, example.token_type_ids),
        str(whole),
        dynamo=False,
        opset_version=17,
        input_names=["ids", "mask", "segments"],
        output_names=["start", "end"],
        dynamic_axes={name: {0: "batch", 1: "length"} for name in ("ids", "mask", "segments")},
    )
    quantize_dynamic(str(whole), str(quantized), weight_type=QuantType.QInt8, per_channel=True)
    return whole, quantized


def onnx_side(sides: TransformersSides, file: Path, threads: int) -> Side:
    """Return the loop over batches through onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def run() -> int:
        for ids, mask, segments in sides.batches():
            session.run(None, {"ids": ids, "mask": mask, "segments": segments})
        return len(sides.questions)

    return run


def main() -> None:
    """Print the rates of all sides."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--squad", type=Path, required=True, help="a SQuAD file")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    questions = read_questions(options.squad, options.questions)
    ours, theirs = headwater.load("reader"), TransformersSides(questions)
    with tempfile.TemporaryDirectory() as folder:
        whole, quantized = onnx_files(theirs, Path(folder))
        sides: dict[str, Side] = {
            "transformers one by one fp32": theirs.one_by_one,
            "transformers batch fp32": theirs.batched(theirs.network),
            "transformers batch bf16": theirs.batched(theirs.network, autocast=True),
            "transformers bf16 weights": theirs.batched(theirs.half, tokens=TOKENS),
            "onnxruntime fp32": onnx_side(theirs, whole, options.threads),
            "onnxruntime int8": onnx_side(theirs, quantized, options.threads),
            "headwater batch": lambda: len(ours.answer_batch(questions)),
            "headwater one by one": lambda: len([ours.answer(*each) for each in questions]),
        }
        print_ratios(take_turns(sides, options.turns), "headwater batch", "questions")


if __name__ == "__main__":
    main()
