"""A question asked in a new process, as a person asks it at a prompt."""

import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from benchmarks.harness.turns import Turns
from benchmarks.harness.work import Context, Facts, Side, Work
from benchmarks.works.reader_peers import FOLDER

QUESTION = "When did the spring begin to flow again?"
TEXT = Path(__file__).resolve().parents[2] / "examples" / "spring.txt"
ASK = (
    *("-c", "from headwater.cli import main; main()", "ask", QUESTION),
    *("--context", str(TEXT)),
)
PLAIN = (
    "-c",
    f"""
import torch, transformers
tokenizer = transformers.AutoTokenizer.from_pretrained({str(FOLDER)!r})
model = transformers.AutoModelForQuestionAnswering.from_pretrained({str(FOLDER)!r})
text = open({str(TEXT)!r}, encoding="utf-8").read()
inputs = tokenizer({QUESTION!r}, text, truncation=True, max_length=384, return_tensors="pt")
with torch.inference_mode():
    scores = model.eval()(**inputs)
first, last = scores.start_logits.argmax(), scores.end_logits.argmax()
print(tokenizer.decode(inputs["input_ids"][0, first : last + 1]))
""",
)


def start(turns: Turns, context: Context, arguments: tuple[str, ...]) -> Facts:
    """Give the seconds of a new Python with these arguments."""
    for _ in turns:
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        turns.give(time.perf_counter() - begin)
    return {}


WORK = Work(
    "ask-cold",
    "headwater ask, cold",
    "seconds",
    (
        Side("headwater", partial(start, arguments=ASK)),
        Side("transformers script", partial(start, arguments=PLAIN), ("transformers",)),
        Side("import torch alone", partial(start, arguments=("-c", "import torch"))),
    ),
    lower=True,
)
