"""Study `context`: from one vector a word to a model that reads the whole sentence both ways.

    CBOW   one vector for each word, whatever stands around it    Mikolov et al. 2013
    ELMo   two readers, left to right and right to left           Peters et al. 2018
    GPT    one transformer, left to right                         Radford et al. 2018
    BERT   one transformer, both ways at once                     Devlin et al. 2019

All four give features to the same small model, so that only what the body knows can differ; BERT is
fine-tuned besides. A word with two senses is where one vector a word must fail.
"""

from typing import Any

from headwater.studies import full, quick
from headwater.studies.study import Cell, Claim, Place, Published, Study, slug

BODIES = {"CBOW": "cbow", "ELMo": "elmo", "GPT": "gpt", "BERT": "bert"}
TUNED = "BERT, fine-tuned"
QUICK_TASKS = {"sense": 1000, "kind": 200}
FULL_TASKS = ("sst2", "mrpc", "rte", "wnut17")


def cells(place: Place) -> list[Cell]:
    """Each body on each task, three seeds."""
    one = _quick if place.budget == "quick" else _full
    return [cell for seed in place.seeds for cell in one(place, seed)]


def _ways(lstm: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the family and the method of each setting."""
    ways: dict[str, tuple[str, dict[str, Any]]] = {}
    for setting, family in BODIES.items():
        layers = "last" if family == "cbow" else "mix"
        features = {"layers": layers, "lstm": lstm}
        ways[setting] = (family, {"method": "features", "features": features})
    return ways | {TUNED: ("bert", {})}


def _quick(place: Place, seed: int) -> list[Cell]:
    bodies = {family: quick.body(place, family, seed, training={"steps": steps})
              for family, steps in _STEPS.items()}  # fmt: skip
    found = []
    for task, most in QUICK_TASKS.items():
        for setting, (family, way) in _ways(0).items():
            rate = 5e-3 if way else 1e-3
            training = {"steps": 300, "learning_rate": rate, "eval_steps": 100}
            name = slug(f"{setting}-{task}")
            run = quick.adapted(
                place, name, task, seed, bodies[family], most=most, training=training, **way
            )
            found.append(Cell(setting, task, seed, run, quick.measure(place, task)))
    return found


_STEPS = {"cbow": 400, "elmo": 600, "gpt": 800, "bert": 1200}


def _full(place: Place, seed: int) -> list[Cell]:
    found = []
    for task in FULL_TASKS:
        data = full.task(place, task)
        for setting, (family, way) in _ways(128).items():
            name = slug(f"{setting}-{task}")
            model = full.model(place, family)
            rate = 1e-3 if way else full.rate(place, model)
            training = {"steps": 1500, "learning_rate": rate, "eval_steps": 300}
            run = full.adapted(
                place, name, data, seed, most=20000, training=training, model=model, **way
            )
            found.append(Cell(setting, task, seed, run, data.measure))
    return found


_CLAIMS = (
    Claim("ELMo's features beat CBOW's", "ELMo", "CBOW"),
    Claim("GPT's features beat ELMo's", "GPT", "ELMo"),
    Claim("BERT's features beat GPT's", "BERT", "GPT"),
    Claim("BERT's features beat CBOW's", "BERT", "CBOW"),
    Claim("fine-tuning beats features", TUNED, "BERT"),
)
_SENSE = (
    Claim("a word with two senses: ELMo beats CBOW", "ELMo", "CBOW", ("sense",)),
    Claim("a word with two senses: BERT beats GPT", "BERT", "GPT", ("sense",)),
)

CONTEXT = Study(
    name="context",
    asks="what is it worth that a word's vector knows the words around it?",
    setup={
        "quick": "A CBOW, an ELMo, a GPT and a BERT, each about 64 wide, are pre-trained on the "
        "same text of a made-up language, one body of each for each seed (docs/studies.md), for "
        "400, 600, 800 and 1,200 steps of 2,048 tokens. Their features, frozen, feed "
        "one linear layer: no reader stands between that could know the context by itself. "
        "`sense`: which of its two kinds a noun has in a sentence, where the word before it or "
        "after it tells (1,000 labelled sentences; F1, 50 by guessing among the two). `kind`: "
        "which of four kinds a noun has in a sentence that tells nothing (200; accuracy, 25 by "
        "guessing). 300 steps of 16 examples.",
        "full": "The bodies given by --model (those of studies/bodies are about equal in size and "
        "saw the same text) give features to a BiLSTM of 128 units each way, in 1,500 steps of 32 "
        "examples; BERT is fine-tuned besides. The embeddings of a word and ELMo's, GPT's and "
        "BERT's learned mix of layers. Scores are on the official dev or test files.",
    },
    prepare=quick.prepare,
    cells=cells,
    claims={"quick": (*_CLAIMS, *_SENSE), "full": _CLAIMS},
    published=(
        Published(
            "Devlin et al. 2019, table 1: GLUE's average on the test sets.",
            ("GLUE",),
            {
                "BiLSTM + ELMo + attention": (71.0,),
                "GPT, fine-tuned": (75.1,),
                "BERT base, fine-tuned": (79.6,),
            },
        ),
        Published(
            "Devlin et al. 2019, table 7: CoNLL-2003, F1 on the dev set.",
            ("NER",),
            {
                "ELMo": (95.7,),
                "BERT base, features of the last four layers": (96.1,),
                "BERT base, fine-tuned": (96.4,),
            },
        ),
        Published(
            "Peters et al. 2018, table 1: ELMo's vectors beside those of a word alone gain on all "
            "six tasks tried."
        ),
    ),
)
