"""Texts per second that a T5 writes: headwater beside transformers and ctranslate2.

    python benchmarks/t5_inference.py --squad dev-v1.1.json --spiece spiece.model --turns 5

A t5-small with random weights reads 48 questions of SQuAD and writes 16 tokens for each, in turns.
Needs `transformers` and `ctranslate2`.
"""

import argparse
import json
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from paired.turns import Side, print_ratios, take_turns
from sentencepiece import SentencePieceProcessor

import headwater

TOKENS, TEXTS, BATCH = 16, 48, 16
SHORTEST, LONGEST = 120, 260  # of the inputs, in tokens
SIZES = {"vocab_size": 32128, "d_model": 512, "d_kv": 64, "d_ff": 2048, "num_layers": 6}


def read_texts(path: Path, processor: SentencePieceProcessor) -> list[str]:
    """Return questions with their contexts, of like length, in a fixed random order."""
    texts = [
        f"question: {question['question']} context: {paragraph['context']}"
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
    random.Random(3).shuffle(texts)
    lengths = ((text, len(processor.encode(text))) for text in texts)
    return [text for text, length in lengths if SHORTEST < length < LONGEST][:TEXTS]


def save_random_t5(folder: Path, spiece: Path) -> Any:
    """Write a t5-small with random weights; return the `transformers` network."""
    import transformers

    torch.manual_seed(0)
    config = transformers.T5Config(**SIZES, num_heads=8, decoder_start_token_id=0)
    network = transformers.T5ForConditionalGeneration(config).eval()
    torch.nn.init.normal_(network.shared.weight, std=0.6)
    network.save_pretrained(folder)
    shutil.copy(spiece, folder / "spiece.model")
    return network


def transformers_side(
    network: Any, texts: list[str], processor: SentencePieceProcessor, *, autocast: bool = False
) -> Side:
    """Return a loop over batches of like length, greedy."""

    def run() -> int:
        order = sorted(texts, key=lambda text: -len(text))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            for begin in range(0, len(order), BATCH):
                ids = [
                    torch.tensor([*processor.encode(t), 1]) for t in order[begin : begin + BATCH]
                ]
                inputs = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
                network.generate(
                    input_ids=inputs,
                    attention_mask=(inputs != 0).long(),
                    max_new_tokens=TOKENS,
                    min_new_tokens=TOKENS,
                    do_sample=False,
                    num_beams=1,
                )
        return len(texts)

    return run


def ctranslate2_side(
    folder: Path, texts: list[str], processor: SentencePieceProcessor, kind: str, threads: int
) -> Side:
    """Convert the folder to ctranslate2 and return its loop; `kind` is float32 or int8."""
    import ctranslate2
    import transformers

    transformers.T5Tokenizer.from_pretrained(str(folder)).save_pretrained(folder)
    output = folder.parent / kind
    converter = ctranslate2.converters.TransformersConverter(str(folder))
    converter.convert(str(output), quantization=None if kind == "float32" else kind)
    translator = ctranslate2.Translator(
        str(output), device="cpu", intra_threads=threads, inter_threads=1, compute_type=kind
    )
    tokens = [[*map(processor.id_to_piece, processor.encode(text)), "</s>"] for text in texts]

    def run() -> int:
        translator.translate_batch(
            tokens,
            beam_size=1,
            max_decoding_length=TOKENS,
            min_decoding_length=TOKENS,
            max_batch_size=BATCH,
        )
        return len(texts)

    return run


def main() -> None:
    """Print the rates of all sides."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--squad", type=Path, required=True, help="a SQuAD file")
    parser.add_argument("--spiece", type=Path, required=True, help="T5's spiece.model")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    import transformers

    processor = SentencePieceProcessor(model_file=str(options.spiece))
    texts = read_texts(options.squad, processor)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "t5"
        whole = save_random_t5(folder, options.spiece)
        load = transformers.T5ForConditionalGeneration.from_pretrained
        half = load(folder, dtype=torch.bfloat16).eval()
        ours = headwater.load(folder)
        length = {"max_new_tokens": TOKENS, "min_new_tokens": TOKENS}
        sides: dict[str, Side] = {
            "transformers fp32": transformers_side(whole, texts, processor),
            "transformers bf16": transformers_side(whole, texts, processor, autocast=True),
            "transformers bf16 weights": transformers_side(half, texts, processor),
            "headwater": lambda: len(ours.generate(texts, **length)),
        }
        for kind in ("float32", "int8"):
            sides[f"ctranslate2 {kind}"] = ctranslate2_side(
                folder, texts, processor, kind, options.threads
            )
        print_ratios(take_turns(sides, options.turns), "headwater", "texts")


if __name__ == "__main__":
    main()
