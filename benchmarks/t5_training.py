"""Examples per second of T5 fine-tuning: headwater beside two `transformers` loops.

    python benchmarks/t5_training.py --t5 T5-SMALL-FOLDER --squad train-v1.1.json --turns 5

Three loops train the same weights on the same questions with AdamW, in turns:

    headwater   the Trainer's own step: bf16 where the processor has it, batches by tokens
    tuned       a loop tuned by hand: bf16 autocast, dynamic padding, batches of like length
    default     a plain loop: float32, inputs padded to 512 tokens, targets to 32

The folder holds a `transformers` T5 with its spiece.model. Needs `transformers`.
"""

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from paired.turns import Side, print_ratios, take_turns
from sentencepiece import SentencePieceProcessor

from headwater.checkpoints.folder import load_model
from headwater.data.batching import collate, plan_epoch
from headwater.data.order import step_seed
from headwater.device import choose_precision
from headwater.training.config import BatchSize, TrainingConfig
from headwater.training.optimizers import build_optimizer
from headwater.training.step import Stepper

BATCH, INPUTS, TARGETS, EXAMPLES = 8, 512, 32, 3000
STEPS = 2  # of each turn; the plain loop takes one
Example = tuple[list[int], list[int]]


def read_examples(path: Path, processor: SentencePieceProcessor) -> list[Example]:
    """Return token ids of inputs and targets, in a fixed random order."""
    found = [
        (f"question: {question['question']} context: {paragraph['context']}", answer)
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
        for answer in [question["answers"][0]["text"]]
    ]
    random.Random(0).shuffle(found)
    return [
        (
            [*processor.encode(text)[: INPUTS - 1], 1],
            [*processor.encode(answer)[: TARGETS - 1], 1],
        )
        for text, answer in found[:EXAMPLES]
    ]


def padded(examples: list[Example], *, dynamic: bool) -> dict[str, torch.Tensor]:
    """Return a batch, padded to its longest example or to the fixed lengths."""
    inputs = max(len(example[0]) for example in examples) if dynamic else INPUTS
    targets = max(len(example[1]) for example in examples) if dynamic else TARGETS
    ids = torch.zeros(len(examples), inputs, dtype=torch.long)
    labels = torch.full((len(examples), targets), -100)
    for row, (text, answer) in enumerate(examples):
        ids[row, : len(text)] = torch.tensor(text)
        labels[row, : len(answer)] = torch.tensor(answer)
    return {"input_ids": ids, "attention_mask": (ids != 0).long(), "labels": labels}


def transformers_side(folder: Path, examples: list[Example], *, tuned: bool) -> Side:
    """Return the loop tuned by hand, or the plain one."""
    import transformers

    network = transformers.T5ForConditionalGeneration.from_pretrained(folder).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=tuned)
    batches = _batches(examples, by_length=tuned)

    def run() -> int:
        count = 0
        for _ in range(STEPS if tuned else 1):
            batch = padded(next(batches), dynamic=tuned)
            with torch.autocast("cpu", torch.bfloat16, enabled=tuned):
                loss = network(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            count += BATCH
        return count

    return run


def _batches(examples: list[Example], *, by_length: bool) -> Iterator[list[Example]]:
    ordered = sorted(examples, key=lambda example: len(example[0])) if by_length else examples
    batches = [ordered[begin : begin + BATCH] for begin in range(0, len(ordered), BATCH)]
    random.Random(1).shuffle(batches)
    while True:
        yield from batches


def headwater_side(folder: Path, examples: list[Example]) -> Side:
    """Return the library's own steps, of about BATCH examples each."""
    model = load_model(folder).model.train()
    lengths = np.array([len(text) + len(answer) for text, answer in examples])
    tokens = int(BATCH * lengths.mean())
    config = TrainingConfig(steps=10**6, batch=BatchSize(tokens=tokens))
    device = torch.device("cpu")
    precision = choose_precision("auto", device)
    stepper = Stepper(model, build_optimizer(model, config), config, device, precision)
    plan = iter(plan_epoch(lengths, tokens=tokens, seed=0))
    done = 0

    def features(index: int) -> dict[str, Any]:
        text, answer = examples[index]
        return {"input_ids": np.array(text, np.int32), "labels": np.array(answer, np.int32)}

    def run() -> int:
        nonlocal done
        count = 0
        for _ in range(STEPS):
            done += 1
            step = next(plan)
            parts = [collate([features(int(index)) for index in part], 0) for part in step]
            stepper.run(parts, step_seed(0, done), done)
            count += sum(len(part["input_ids"]) for part in parts)
        return count

    return run


def main() -> None:
    """Print the rates of all sides."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--t5", type=Path, required=True, help="a folder with spiece.model")
    parser.add_argument("--squad", type=Path, required=True, help="a SQuAD file to train on")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    processor = SentencePieceProcessor(model_file=str(options.t5 / "spiece.model"))
    examples = read_examples(options.squad, processor)
    sides = {
        "transformers default": transformers_side(options.t5, examples, tuned=False),
        "transformers tuned": transformers_side(options.t5, examples, tuned=True),
        "headwater": headwater_side(options.t5, examples),
    }
    print_ratios(take_turns(sides, options.turns), "headwater", "examples")


if __name__ == "__main__":
    main()
