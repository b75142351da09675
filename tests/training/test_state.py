"""The state folder: damage is noticed, the state before is used, leftovers go."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from headwater import tensor_file
from headwater.errors import UserError
from headwater.pictures.curves import draw_curves as real_curves
from headwater.training.identity import compare
from headwater.training.log import read_log
from headwater.training.state_folder import StateFolder
from toy_training import ToyModel, toy_config, toy_run, toy_trainer

Damage = Callable[[Path], object]


def interrupted(folder: Path, calls: int = 5, **changes: Any) -> Path:
    """A run of 60 steps that stopped at 42, with the states of 35 and 40 and the best of 14."""

    class Enough(Exception):
        pass

    def evaluate(model: torch.nn.Module) -> dict[str, float]:
        value = float(dict(model.named_parameters())["dense.weight"].sum())
        if evaluate.calls == calls:  # type: ignore[attr-defined]
            raise Enough
        evaluate.calls += 1  # type: ignore[attr-defined]
        return {"score": float(torch.sin(torch.tensor(40 * value))), "sum": value}

    evaluate.calls = 0  # type: ignore[attr-defined]
    with pytest.raises(Enough):
        toy_trainer(folder, toy_config(**changes), evaluate=evaluate).run()
    return folder / "state"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("stopped") / "run"
    interrupted(folder)
    return folder


@pytest.fixture
def run(stopped: Path, tmp_path: Path) -> Path:
    shutil.copytree(stopped, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("expected") / "run"
    toy_run(folder)
    return (folder / "state" / "step-00000060" / "optimizer.safetensors").read_bytes()


def flip(path: Path, share: float = 0.7) -> None:
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 4
    path.write_bytes(content)


def endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


FILES = ("model.safetensors", "optimizer.safetensors", "state.json", "manifest.json")
DAMAGES: dict[str, Damage] = {
    **{f"flipped {name}": lambda f, n=name: flip(f / n) for name in FILES},
    **{f"cut {name}": lambda f, n=name: cut(f / n) for name in FILES},
    **{f"missing {name}": lambda f, n=name: (f / n).unlink() for name in FILES},
    **{f"endless {name}": lambda f, n=name: endless(f / n) for name in FILES},
    "empty folder": lambda f: [item.unlink() for item in f.iterdir()],
    "no folder": shutil.rmtree,
    "not a manifest": lambda f: (f / "manifest.json").write_text("[]"),
    "empty manifest": lambda f: (f / "manifest.json").write_text("{}"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_state_is_refused_and_the_one_before_used(
    damage: str, run: Path, expected: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    newest = run / "state" / (run / "state" / "latest").read_text().strip()
    DAMAGES[damage](newest)
    assert toy_run(run, resume=True).reason == "finished"
    said = caplog.text
    assert newest.name in said
    assert "continuing after step 35" in said
    newest = run / "state" / "step-00000060"
    assert (newest / "optimizer.safetensors").read_bytes() == expected
    steps = [line["step"] for line in read_log(run / "log.jsonl") if "loss" in line]
    assert steps == list(range(3, 61, 3))


def test_damage_to_every_state_is_an_error_not_a_new_beginning(run: Path) -> None:
    for folder in (run / "state").glob("step-*"):
        flip(folder / "model.safetensors")
    with pytest.raises(UserError, match=r"none of the saved states .* is whole"):
        toy_run(run, resume=True)


def losses(folder: Path) -> list[float]:
    return [line["loss"] for line in read_log(folder / "log.jsonl") if "loss" in line]


@pytest.mark.parametrize("damage", ["flipped", "cut", "no manifest", "no folder"])
def test_lost_best_weights_cost_the_best_and_not_the_run(
    damage: str, run: Path, expected: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The best of 14 is older than both states, so none can make it again."""
    [best] = (run / "state").glob("best-*")
    match damage:
        case "flipped":
            flip(best / "model.safetensors")
        case "cut":
            cut(best / "model.safetensors")
        case "no manifest":
            (best / "manifest.json").unlink()
        case _:
            shutil.rmtree(best)
    outcome = toy_run(run, resume=True)
    [said] = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert best.name in said and "going on from step 40 without them" in said
    whole = tmp_path / "whole"
    toy_run(whole)
    assert losses(run) == losses(whole)
    newest = run / "state" / "step-00000060"
    assert (newest / "optimizer.safetensors").read_bytes() == expected
    evaluations = {
        line["step"]: line["evaluation"]["score"]
        for line in read_log(run / "log.jsonl")
        if "evaluation" in line
    }
    later = {step: score for step, score in evaluations.items() if step > 40}
    assert outcome.best_step == max(later, key=later.__getitem__)
    assert outcome.best_value == later[outcome.best_step]


@pytest.mark.parametrize(
    "line",
    ["", "{", "null", "[" * 100_000, '{"step": 3}', '{"step": "3"}', '{"step": 2, "loss": "x"}',
     '{"step": 2, "evaluation": 3}', "\0\udcff"],
)  # fmt: skip
def test_a_damaged_log_and_recipe_cost_nothing(
    line: str, run: Path, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = run / "log.jsonl"
    with log.open("ab") as file:
        file.write(
            line.encode("utf-8", "surrogateescape") + b"\n" + line[:5].encode("latin-1", "replace")
        )
    (run / "curves.png").write_bytes(b"x")
    (run / "config.toml").write_bytes(b"\xff")
    assert toy_run(run, resume=True).reason == "finished"
    newest = run / "state" / "step-00000060" / "optimizer.safetensors"
    assert newest.read_bytes() == expected
    real_curves(read_log(log), run / "again.png")


def test_a_best_that_can_be_made_again_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its state is left for the one before it, which comes to the same best."""
    whole, run = tmp_path / "whole", tmp_path / "run"
    first = toy_run(whole, save_steps=6)
    states = interrupted(run, calls=2, save_steps=6)
    assert sorted(each.name for each in states.glob("*-*")) == [
        *("best-00000007", "best-00000014", "step-00000012", "step-00000018")
    ]
    flip(states / "best-00000014" / "model.safetensors")
    again = toy_run(run, resume=True, save_steps=6)
    assert "continuing after step 12" in caplog.text
    assert (again.best_step, again.best_value) == (14, first.best_value)
    assert losses(run) == losses(whole)
    files = [each / "model" / "weights.bin" for each in (run, whole)]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("pointer", [None, b"", b"step-00000099\n", b"\xff\xfe"])
def test_a_lost_pointer_costs_nothing(pointer: bytes | None, run: Path, expected: bytes) -> None:
    path = run / "state" / "latest"
    path.unlink() if pointer is None else path.write_bytes(pointer)
    assert toy_run(run, resume=True).reason == "finished"
    newest = run / "state" / "step-00000060" / "optimizer.safetensors"
    assert newest.read_bytes() == expected


def test_leftovers_of_a_kill_are_removed(run: Path) -> None:
    left = [run / "state" / ".step-00000045.abc.tmp", run / ".model.x.tmp", run / ".model.y.old"]
    for folder in left:
        folder.mkdir()
        (folder / "part").write_bytes(b"x")
    (run / "state" / ".latest.q.tmp").write_bytes(b"x")
    (run / "mine.tmp").write_bytes(b"kept")
    toy_run(run, resume=True)
    names = {p.name for p in [*run.iterdir(), *(run / "state").iterdir()]}
    assert not any(name.endswith((".old", ".tmp")) and name != "mine.tmp" for name in names)
    assert "mine.tmp" in names


def test_a_full_disk_is_reported_and_the_states_before_stay(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    before = sorted(p.name for p in (run / "state").glob("step-*"))
    monkeypatch.setattr(tensor_file, "write", full)
    with pytest.raises(UserError, match="No space left on device"):
        toy_run(run, resume=True)
    assert sorted(p.name for p in (run / "state").iterdir() if "step" in p.name) == before


def test_another_model_is_refused(run: Path) -> None:
    with pytest.raises(UserError, match=r"shape \[.*another model"):
        toy_trainer(run, model=ToyModel(width=8)).run(resume=True)

    class Larger(ToyModel):
        def __init__(self) -> None:
            super().__init__()
            self.more = torch.nn.Linear(2, 2)

    with pytest.raises(UserError, match=r"tensor more\.bias is missing from the saved state"):
        toy_trainer(run, model=Larger()).run(resume=True)


def test_tied_weights_and_buffers_are_kept_once(tmp_path: Path) -> None:
    class Tied(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = torch.nn.Linear(3, 3, bias=False)
            self.b = torch.nn.Linear(3, 3, bias=False)
            self.b.weight = self.a.weight
            self.register_buffer("mean", torch.rand(3))
            self.register_buffer("mask", torch.rand(3), persistent=False)

    model, other = Tied(), Tied()
    folder = StateFolder(tmp_path)
    folder.save_best(3, model)
    folder.load_best(3, other)
    assert torch.equal(other.b.weight, model.a.weight)
    assert torch.equal(other.mean, model.mean)
    assert not torch.equal(other.mask, model.mask)


def test_another_machine_is_reported(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch.set_num_threads(2)
    toy_run(run, resume=True, time_limit_minutes=1e-9)
    assert "threads was 1, is now 2" in caplog.text


def test_differences_are_named_and_counted() -> None:
    compare({"a": "1"}, {"a": "1"})
    with pytest.raises(UserError, match=r"a was 1, is now 2; b was 'x', is now not set"):
        compare({"a": 1, "b": "x"}, {"a": 2})
    compare({"a": (1, 2), "b": {}}, {"a": [1, 2]})
    one, other = {"sizes": {"d_ff": 8, "d_kv": 4}}, {"sizes": {"d_ff": 16, "d_kv": 4}}
    with pytest.raises(UserError) as raised:
        compare({"network": one}, {"network": other})
    assert "resume: network.sizes.d_ff was 8, is now 16. Put" in str(raised.value)
    with pytest.raises(UserError, match=r"resume: lm\.length was not set, is now 8\. Put"):
        compare({}, {"lm": {"length": 8}})
    many = {f"key{n}": "1" for n in range(9)}
    with pytest.raises(UserError, match="and 4 more"):
        compare(many, {})


def test_a_broken_end_mark_only_makes_the_end_again(run: Path) -> None:
    toy_run(run, resume=True)
    model = (run / "model" / "weights.bin").read_bytes()
    (run / "state" / "finished").write_text("{")
    shutil.rmtree(run / "model")
    outcome = toy_run(run, resume=True)
    assert not outcome.already_finished
    assert (run / "model" / "weights.bin").read_bytes() == model
    assert json.loads((run / "state" / "finished").read_text())["outcome"]["step"] == 60
