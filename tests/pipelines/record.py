"""Record what the pipelines of transformers 4.57 say over the tiny models.

transformers 4.57 needs an environment of its own, in which headwater makes the models first:

    python tests/pipelines/record.py models FOLDER                      # where headwater is
    python tests/pipelines/record.py record FOLDER transformers-4.57.json    # where 4.57 is
"""

import json
import sys
from pathlib import Path
from typing import Any

TEXT, CONTEXT = "Ada built the mill.", "Ada built the old mill by the river. " * 6
TOWN = "Ada built windmills by the River Thames."
MODELS = ("reader", "tagger", "classifier", "nli", "filler", "encoder", "t5")
STRATEGIES = ("none", "simple", "first", "average", "max")

Call = tuple[str, str, dict[str, Any], list[Any], dict[str, Any]]
CALLS: dict[str, Call] = {
    "question": (
        *("question-answering", "reader", {}, []),
        {"question": "Who built the mill?", "context": CONTEXT},
    ),
    "questions": (
        *("question-answering", "reader", {}, []),
        {"question": ["Who built it?", "Who?"], "context": [CONTEXT, TEXT], "top_k": 2},
    ),
    **{
        f"tags_{each}": (
            *("token-classification", "tagger", {}, [TOWN]),
            {"aggregation_strategy": each, "ignore_labels": []},
        )
        for each in STRATEGIES
    },
    "tags_several": (
        *("token-classification", "tagger", {"aggregation_strategy": "simple"}),
        *([[TEXT, CONTEXT]], {}),
    ),
    "label": ("text-classification", "classifier", {}, [TEXT], {}),
    "labels_all": ("text-classification", "classifier", {}, [TEXT], {"top_k": None}),
    "labels_several": ("text-classification", "classifier", {}, [[TEXT, CONTEXT]], {}),
    "labels_several_two": (
        *("text-classification", "classifier", {}, [[TEXT, CONTEXT]]),
        {"top_k": 2},
    ),
    "labels_raw": (
        *("text-classification", "classifier", {}, [TEXT]),
        {"top_k": None, "function_to_apply": "none"},
    ),
    "labels_pair": (
        *("text-classification", "classifier", {}),
        *([{"text": TEXT, "text_pair": "It is old."}], {"top_k": None}),
    ),
    "zero": ("zero-shot-classification", "nli", {}, [TEXT, ["river", "mill", "ada"]], {}),
    "zero_multi": (
        *("zero-shot-classification", "nli", {}, [[TEXT, CONTEXT], "river, mill"]),
        {"multi_label": True},
    ),
    "fill": ("fill-mask", "filler", {}, ["the [MASK] is old"], {}),
    "fill_two": ("fill-mask", "filler", {}, ["the [MASK] is [MASK]"], {"top_k": 2}),
    "fill_targets": (
        *("fill-mask", "filler", {}, [["the [MASK] is old"]]),
        {"targets": ["mill", "river"]},
    ),
    "written": ("text2text-generation", "t5", {}, [TEXT], {"max_new_tokens": 6}),
    "summaries": ("summarization", "t5", {}, [[TEXT, CONTEXT]], {"max_new_tokens": 6}),
    "translated": ("translation_en_to_de", "t5", {}, [TEXT], {"max_new_tokens": 6}),
    "features": ("feature-extraction", "encoder", {}, ["the mill"], {}),
}


def make(folder: Path) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from tiny_tasks import made

    for name in MODELS:
        made(folder / name, name)


def record(folder: Path, file: Path) -> None:
    import transformers

    calls = {}
    for name, (task, model, options, given, changes) in CALLS.items():
        pipe = transformers.pipeline(task, str(folder / model / model), device="cpu", **options)
        calls[name] = pipe(*given, **changes)
    by = f"by tests/pipelines/record.py with transformers {transformers.__version__}"
    plain = json.loads(json.dumps(calls, default=float), parse_float=lambda x: round(float(x), 7))
    content = json.dumps({"recorded": by, "said": plain}, ensure_ascii=False)
    file.write_text(f"{content}\n", encoding="utf-8")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["models", folder]:
            make(Path(folder))
        case ["record", folder, file]:
            record(Path(folder), Path(file))
        case _:
            sys.exit(__doc__)
