"""Layers join from the top, on time, with fresh moments, and a run continues in the middle."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import tiny
from headwater.data.convert import EncodedPairs
from headwater.data.token_arrays import Ragged
from headwater.errors import UserError
from headwater.methods.config import UnfreezingConfig
from headwater.methods.freezing import GradualUnfreezing
from headwater.methods.layer_depth import depths
from headwater.models.build import Model
from headwater.text.framing import Framing
from headwater.training.config import TrainingConfig
from headwater.training.hooks import Hooks
from headwater.training.trainer import Trainer


def bert() -> Model:
    return tiny.bert("span", num_hidden_layers=3)


def t5() -> Model:
    return tiny.t5(num_layers=3)


def learning(model: nn.Module) -> set[str]:
    """The parts that learn, by the beginnings of their parameters' names."""
    found = set()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parts = name.split(".")
            end = parts.index("layers") + 2 if "layers" in parts else 2
            found.add(".".join(parts[:end]))
    return found


def test_a_bert_thaws_from_its_head_to_its_embeddings() -> None:
    model, method = bert(), GradualUnfreezing(UnfreezingConfig())
    seen = []
    for step in range(1, 9):
        method.before_step(model, step, 8)
        seen.append(learning(model))
    head = {"head.dense"}
    assert seen[0] == seen[1] == head | {"body.layers.2"}
    assert seen[2] == seen[3] == seen[1] | {"body.layers.1"}
    assert seen[4] == seen[5] == seen[3] | {"body.layers.0"}
    assert seen[6] == seen[7] == seen[5] | {"body.embeddings"}


def test_a_t5_thaws_both_stacks_in_parallel_and_its_embedding_always_learns() -> None:
    model, method = t5(), GradualUnfreezing(UnfreezingConfig(every=2))
    method.before_step(model, 1, 100)
    first = {"embedding.weight", "encoder.layers.2", "decoder.layers.1"}
    first |= {"encoder.norm", "decoder.norm"}
    assert learning(model) == first
    method.before_step(model, 3, 100)
    second = first | {"encoder.layers.1", "decoder.layers.0", "decoder.positions"}
    assert learning(model) == second
    method.before_step(model, 5, 100)
    assert learning(model) == second | {"encoder.layers.0", "encoder.positions"}
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_all_layers_must_have_time_to_join() -> None:
    model, method = bert(), GradualUnfreezing(UnfreezingConfig(every=10))
    with pytest.raises(UserError, match=r"every = 10: \d layers do not all join in 20 steps; give"):
        method.before_step(model, 1, 20)
    deepest = max(depths(name for name, _ in model.named_parameters()).values())
    method = GradualUnfreezing(UnfreezingConfig(every=19 // (deepest - 1)))
    method.before_step(model, 20, 20)
    assert all(parameter.requires_grad for parameter in model.parameters())


def pairs() -> EncodedPairs:
    rng = torch.Generator().manual_seed(1)
    rows = [torch.randint(3, 40, (6,), generator=rng).numpy().astype("int32") for _ in range(16)]
    return EncodedPairs(Ragged.of(rows), Ragged.of(rows), Framing((), (1,), 1))


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_a_run_is_continued_in_the_middle_to_the_bit(optimizer: str, tmp_path: Path) -> None:
    def run(folder: Path, stop: Callable[[int], None] | None = None, resume: bool = False) -> Model:
        model, method = t5(), GradualUnfreezing(UnfreezingConfig())

        class Stopping(Hooks):
            def before_step(self, model: nn.Module, step: int, total: int) -> None:
                if stop is not None:
                    stop(step)
                method.before_step(model, step, total)

        config = TrainingConfig.check(
            {
                "steps": 9,
                "optimizer": optimizer,
                "learning_rate": 1e-2,
                "batch": {"examples": 4},
                "save_steps": 1,
                "device": "cpu",
            },
            "test",
        )
        Trainer(model, pairs(), config, folder, pad_id=0, hooks=Stopping()).run(resume)
        return model

    class Killed(Exception):
        pass

    def kill(step: int) -> None:
        if step == 6:
            raise Killed

    whole = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "cut", kill)
    again = run(tmp_path / "cut", resume=True)
    for (name, one), other in zip(whole.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other), name


def test_what_joins_later_has_not_moved_and_has_no_moments() -> None:
    model, method = bert(), GradualUnfreezing(UnfreezingConfig(every=1))
    method.attach(model)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
    ids = torch.arange(6, 18).reshape(2, 6)
    positions = torch.tensor([1, 2])
    batch = {"input_ids": ids, "start_positions": positions, "end_positions": positions}
    for step in (1, 2):
        method.before_step(model, step, 10)
        optimizer.zero_grad(set_to_none=True)
        sum(model.loss_sums(batch).values()).backward()
        optimizer.step()
    for name, parameter in model.named_parameters():
        joined = not name.startswith(("body.embeddings", "body.layers.0"))
        assert (parameter in optimizer.state) == joined, name
        assert joined or torch.equal(parameter, before[name]), name
    assert optimizer.state[model.get_parameter("head.dense.bias")]["step"] == 2
    assert optimizer.state[model.get_parameter("body.layers.1.attention.norm.bias")]["step"] == 1
