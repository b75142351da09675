"""The quick budget: tiny models on the made-up language, a grid in minutes on two cores.

Everything is generated into the study's folder: running text with two vocabularies of whole words
(one with BERT's special tokens and T5's sentinels, one without, for CBOW and ELMo), a token store
of each, and training, validation and test examples for each task.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from headwater import messages
from headwater.corpus.build import build
from headwater.files import replace_file, replacing_folder, write_json
from headwater.models.families import FAMILIES
from headwater.studies.language import TASKS, Language
from headwater.studies.study import GridRun, Measure, StudyContext, Trial
from headwater.text.loading import load_vocabulary
from headwater.text.tokenizer_json import describe_words

DOCUMENTS = 2400
EXAMPLES = {"train": 4000, "validation": 200, "test": 600}
_BERT_TOKENS = {"cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
_SENTINELS = 32

STEPS = 1000
"""Of pre-training, at 2,048 tokens each."""


def prepare(context: StudyContext) -> None:
    """Generate the data of the quick budget below `context.folder`, unless it is there."""
    data = context.folder / "data"
    if context.budget != "quick" or data.exists():
        return
    language = Language()
    with replacing_folder(data) as folder:
        documents = language.documents(DOCUMENTS, seed=0)
        _write_lines(folder / "text.jsonl", [{"text": text} for text in documents])
        counts = Counter(word for text in [*documents, *_task_words()] for word in text.split())
        words = [word for word, _ in counts.most_common()]
        _write_vocabulary(folder / "tokens", words, bert_and_t5=True)
        _write_vocabulary(folder / "words", words, bert_and_t5=False)
        for kind in ("tokens", "words"):
            store(folder, kind, f"{kind}-store", documents)
        for task, declaration in TASKS.items():
            replace_file(folder / f"{task}.toml", tomli_w.dumps(declaration))
            for part, count in EXAMPLES.items():
                examples = language.examples(task, count, 0, part)
                _write_lines(folder / f"{task}-{part}.jsonl", examples)


def store(data: Path, vocabulary: str, name: str, documents: list[str]) -> None:
    """Build a token store of some documents."""
    source = data / f"{name}.jsonl"
    _write_lines(source, [{"text": text} for text in documents])
    with messages.hidden("headwater.corpus"):
        build([source], load_vocabulary(data / vocabulary), data / name)


def pretrained(
    context: StudyContext, family: str, seed: int, name: str = "", **changes: Any
) -> GridRun:
    """Pre-train a tiny model of a family.

    Args:
        name: of the run, without its seed; empty: that of the family.
        changes: tables of the recipe, which replace those of the family.
    """
    quick, kind = FAMILIES[family].quick_study, _text_of(family)
    network = changes.pop("network", {})
    sizes = {**quick.sizes} | network.get("sizes", {})
    training = {"steps": STEPS, "batch": {"tokens": 2048}, "learning_rate": quick.learning_rate,
                "warmup": 0.1, "schedule": "linear", "seed": seed} | _MACHINE  # fmt: skip
    recipe = {
        "network": {"preset": quick.preset, "sizes": sizes},
        "corpus": {"train": str(context.folder / "data" / f"{kind}-store")},
        **quick.objective,
        **changes,
    }
    recipe["training"] = training | changes.get("training", {})
    return GridRun(f"{name or family}-{seed}", recipe)


def random_weights(context: StudyContext, family: str) -> dict[str, Any]:
    """Return the part of a recipe that begins from random weights."""
    quick = FAMILIES[family].quick_study
    vocabulary = str(context.folder / "data" / _text_of(family))
    sizes = {**quick.sizes}
    return {"network": {"preset": quick.preset, "sizes": sizes, "vocabulary": vocabulary}}


def _text_of(family: str) -> str:
    """Return which of the two vocabularies, and stores, a family reads."""
    return "words" if FAMILIES[family].kind == "word_vectors" else "tokens"


def finetuned(
    context: StudyContext, name: str, task: str, seed: int, start: GridRun | None, **changes: Any
) -> GridRun:
    """Fine-tune a run, or the model that `changes` name, on a task.

    Args:
        changes: keys of the recipe; `examples`: how many; `training` updates the default table.
    """
    data = {
        "train": [_file(context, task, "train")],
        "validation": [_file(context, task, "validation")],
        "most": changes.pop("examples", 200),
    }
    training = {"steps": 200, "batch": {"examples": 16}, "learning_rate": 1e-3, "warmup": 0.1,
                "schedule": "linear", "eval_steps": 40, "seed": seed} | _MACHINE  # fmt: skip
    training |= changes.pop("training", {})
    recipe = {"task": declaration(context, task), "data": data, "training": training, **changes}
    if start is not None:
        recipe["model"] = context.run(start.name)
    if task == "find":
        recipe["spans"] = {"max_length": 48, "max_query_length": 16, "stride": 8}
    return GridRun(f"{name}-{seed}", recipe, (start,) if start else ())


T5_TRAINING = {"steps": 200, "learning_rate": 2e-3, "eval_steps": 100}
"""How a T5 is fine-tuned."""


def trials(
    context: StudyContext,
    setting: str,
    name: str,
    body: GridRun,
    seed: int,
    tasks: Mapping[str, int],
    training: Mapping[str, Any],
) -> list[Trial]:
    """Fine-tune and measure a pre-trained body on each task; `tasks`: the number of examples."""
    found = []
    for task, examples in tasks.items():
        run = finetuned(
            context, f"{name}-{task}", task, seed, body, examples=examples, training=training
        )
        found.append(trial(context, setting, task, seed, run))
    return found


def trial(
    context: StudyContext, setting: str, task: str, seed: int, run: GridRun, column: str = ""
) -> Trial:
    """Return the trial that measures a run on a task's test; the column is the task's name."""
    return Trial(setting, column or task, seed, run, measure(context, task))


def declaration(context: StudyContext, task: str) -> str:
    """Return the file of a task's declaration."""
    return str(context.folder / "data" / f"{task}.toml")


def measure(context: StudyContext, task: str) -> Measure:
    """Return a task's test."""
    return Measure(declaration(context, task), (_file(context, task, "test"),))


_MACHINE = {"device": "cpu", "precision": "fp32", "logging_steps": 20, "save_steps": 1000}


def _file(context: StudyContext, task: str, part: str) -> str:
    return str(context.folder / "data" / f"{task}-{part}.jsonl")


def _task_words() -> list[str]:
    """Return the words of the tasks that the text does not have."""
    labels = [str(label) for each in TASKS.values() for label in each.get("labels", [])]
    spoken = " ".join(labels).replace("B-", "").replace("O ", "")
    return [f"{' '.join(TASKS)} {spoken} : what ? ,"]


def _write_vocabulary(folder: Path, words: list[str], *, bert_and_t5: bool) -> None:
    roles = {"pad": "[PAD]", "unk": "[UNK]", "eos": "[EOS]"} | (_BERT_TOKENS if bert_and_t5 else {})
    sentinels = [f"<extra_id_{number}>" for number in range(_SENTINELS)] if bert_and_t5 else []
    special = [*roles.values(), *sentinels]
    ids = {token: id for id, token in enumerate([*special, *words])}
    write_json(folder / "tokenizer.json", describe_words(ids, special, lower_case=False))
    write_json(folder / "special_tokens_map.json", {f"{r}_token": t for r, t in roles.items()})


def _write_lines(path: Path, records: list[dict[str, Any]]) -> None:
    replace_file(path, "".join(json.dumps(each) + "\n" for each in records))
