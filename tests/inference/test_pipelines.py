"""Real pre-trained weights under drawn heads: what is said equals `transformers`' pipelines."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from headwater.inference.loaded import load

TEXTS = [
    "Angela Merkel met Emmanuel Macron in Paris on 3 May 2019, and they spoke of Germany.",
    "The (old) mill at São Paulo is not N\u0303andu\u0301's; 東京 👩‍👩‍👧 are far: see Table 3.",
    "Dear Sir or Madam, " * 30 + "yours, Ada Lovelace",
]
LABELS = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}


def made(folder: Path, body: Path, kind: Any, labels: dict[int, str]) -> tuple[Any, Any]:
    """Save that body under a drawn head; return `transformers`' model and tokenizer."""
    torch.manual_seed(0)
    model = kind.from_pretrained(body, id2label=labels, label2id={n: i for i, n in labels.items()})
    model.classifier.weight.data.normal_(0, 0.4)
    tokenizer = transformers.AutoTokenizer.from_pretrained(body)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model.eval(), tokenizer


@pytest.mark.filterwarnings("ignore")
def test_entities_under_a_pretrained_body(tmp_path: Path, minilm: Path) -> None:
    theirs, tokenizer = made(tmp_path, minilm, transformers.AutoModelForTokenClassification, LABELS)
    pipe = transformers.pipeline(
        "token-classification",
        theirs,
        tokenizer=tokenizer,
        aggregation_strategy="simple",
        device="cpu",
    )
    found = load(tmp_path, "cpu", precision="fp32").tag(TEXTS, aggregation="simple")
    for text, entities in zip(TEXTS, found, strict=True):
        expected = pipe(text)
        assert len(entities) == len(expected) > 0
        for ours, other in zip(entities, expected, strict=True):
            assert (ours.label, ours.start) == (other["entity_group"], other["start"])
            assert ours.end >= other["end"]  # accents after the last letter are part of it
            assert ours.text == text[ours.start : ours.end]
            assert ours.score == pytest.approx(float(other["score"]), abs=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_classes_under_a_pretrained_body(tmp_path: Path, minilm: Path) -> None:
    labels = {0: "dull", 1: "good", 2: "neither"}
    kind = transformers.AutoModelForSequenceClassification
    theirs, tokenizer = made(tmp_path, minilm, kind, labels)
    pipe = transformers.pipeline("text-classification", theirs, tokenizer=tokenizer, device="cpu")
    found = load(tmp_path, "cpu", precision="fp32").classify(TEXTS)
    for text, ours in zip(TEXTS, found, strict=True):
        expected = pipe(text, top_k=None)
        assert [each.label for each in ours] == [each["label"] for each in expected]
        scores = [each["score"] for each in expected]
        assert [each.score for each in ours] == pytest.approx(scores, abs=1e-4)
