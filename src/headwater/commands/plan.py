"""`headwater plan`: what a run would take on some cards, before any of them is asked for."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from headwater.commands.terminal import (
    Json,
    Settings,
    argument,
    described,
    echo,
    option,
    print_json,
)
from headwater.sizes import byte_size

if TYPE_CHECKING:
    from headwater.planning.cards import Card
    from headwater.planning.plan import Plan
    from headwater.runs.recipe import RunRecipe

_WIDTH = 14


@described("Say what a recipe takes on some GPUs: memory, time, disk; nothing is trained.")
def plan(
    recipe: Annotated[Path, argument("Of finetune or pretrain.", "RECIPE.toml")],
    gpus: Annotated[int, option("How many GPUs, a process on each.", "N", min=1, max=10**6)] = 1,
    card: Annotated[str, option("Their kind, such as h100; or cpu.", "CARD")] = "h100",
    utilisation: Annotated[
        float, option("The share of the peak FLOP/s that is reached.", "U", min=0.001, max=1.0)
    ] = 0.4,
    settings: Settings = None,
    json: Json = False,
) -> None:
    from headwater.planning import plan as planning
    from headwater.planning.cards import card as find_card
    from headwater.planning.recipe import load_resolved
    from headwater.planning.steps import count_steps
    from headwater.planning.switches import switches_that_fit

    chosen = None if card == "cpu" else find_card(card)
    wanted = load_resolved(recipe, settings or [])
    steps = count_steps(wanted)

    def planned(changed: "RunRecipe") -> "Plan":
        return planning.plan(changed, steps, gpus=gpus, card=chosen, utilisation=utilisation)

    found, advice = planned(wanted), None
    fits = chosen is None or found.fits(chosen.memory)
    if chosen is not None and not fits:
        bf16 = chosen.bf16 is not None
        advice = switches_that_fit(wanted, gpus, chosen.memory, planned, bf16=bf16)
    if json:
        changes = None if advice is None else _keys(advice[0])
        print_json({**asdict(found), "flops": found.flops, "fits": fits, "switches": changes})
        return
    _show(found, card, chosen, utilisation)
    if chosen is not None:
        _show_fit(fits, chosen, advice)


def _show(found: "Plan", name: str, chosen: "Card | None", utilisation: float) -> None:
    measured, memory = found.measured, found.memory
    parts = ", ".join(f"{part} {count:,}" for part, count in measured.parts.items())
    _row("parameters", f"{measured.parameters:,}, of which {measured.trained:,} train ({parts})")
    cut = f"{found.gpus} x {found.turns} x {found.rows} sequences"
    each = f"{found.step_rows:,.0f} sequences, {found.step_tokens:,.0f} tokens ({cut})"
    _row("step", f"{each}, {found.step_flops:.3g} FLOPs")
    _row("run", f"{found.steps:,} steps, {found.steps * found.step_tokens:.3g} tokens, "
                f"{found.flops:.3g} FLOPs")  # fmt: skip
    half = "fp16" if chosen is not None and chosen.bf16 is None else "bf16"
    how = half if found.bf16 else "fp32"
    how += ", sharded" if found.shard else ", a copy on each" if found.gpus > 1 else ""
    echo(f"memory of each process ({how}):")
    for part in ("weights", "gradients", "moments", "exchange", "activations"):
        if size := getattr(memory, part):
            _row(f"  {part}", byte_size(size))
    _row("  at the most", byte_size(memory.peak))
    if found.speed is not None and chosen is not None:
        speed = found.speed
        on = f"{found.gpus} x {name} at {utilisation:.0%} of their peak"
        _row("time", f"{_duration(speed.days)} ({speed.step:.3g} s a step) on {on}")
        _row("speed", f"{speed.tokens:,.0f} tokens/s, which reads {byte_size(speed.read)}/s")
    both = f"model {byte_size(found.model)}, state {byte_size(found.state)}"
    _row("checkpoints", f"{both}; two states at the most, and the best weights")


def _show_fit(fits: bool, chosen: "Card", advice: "tuple[Mapping[str, Any], Plan] | None") -> None:
    from headwater.planning.plan import ROOM

    room = f"{ROOM:.0%} of {byte_size(chosen.memory)}"
    if fits:
        _row("fits", f"yes, into {room}")
        return
    _row("fits", f"no, not into {room}")
    if advice is None:
        _row("->", 'nothing here makes it fit: more GPUs, a smaller model, or method = "lora"')
        return
    settings, found = advice
    changes = " ".join(f"--set training.{key}={value}" for key, value in _keys(settings).items())
    _row("->", f"{changes}: {byte_size(found.memory.peak)}")


def _keys(settings: "Mapping[str, Any]") -> dict[str, Any]:
    """Return settings by the keys of `--set`, their values as TOML has them."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if key == "batch":
            name = "examples" if value.examples else "tokens"
            found[f"batch.{name}"] = getattr(value, name)
        else:
            found[key] = str(value).lower() if isinstance(value, bool) else value
    return found


def _duration(days: float) -> str:
    return f"{days:,.1f} days" if days >= 1 else f"{24 * days:,.1f} hours"


def _row(name: str, said: str) -> None:
    echo(f"{name:{_WIDTH}} {said}")
