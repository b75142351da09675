"""A training in parts, whose states are in shards, and what is made of them; prints JSON.

python shard_rounds.py FOLDER
"""

import json
import sys
from functools import partial
from pathlib import Path

from equality_rounds import log_of, task
from spreading import spare, spread

from headwater.runs.convert import convert

CHANGES = {"steps": 6, "eval_steps": 6, "save_steps": 3, "shard": True}


def main(base: Path) -> None:
    spare()
    base.mkdir(parents=True, exist_ok=True)
    train = task("bert", base)
    whole, run = base / "whole" / "run", base / "parts" / "run"
    spread(2, partial(train, whole, **CHANGES), whole.parent)
    for resume in (False, True):  # a session of one step, and one of the rest
        limit = {} if resume else {"time_limit_minutes": 1e-9}
        spread(2, partial(train, run, resume=resume, **CHANGES, **limit), run.parent)
    state = run / "state" / "step-00000006"
    files = sorted(str(each.relative_to(run / "state")) for each in (run / "state").rglob("*"))
    model = base / "model"
    convert(state, model)
    found = {
        "files": files,
        "same": [
            (each / "model" / "model.safetensors").read_bytes().hex() for each in (whole, run)
        ],
        "converted": (model / "model.safetensors").read_bytes().hex(),
        "others": sorted(each.name for each in model.iterdir()),
        "logs": [log_of(whole), log_of(run)],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
