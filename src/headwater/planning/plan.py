"""How long a run takes on some cards, what it holds there, and what it writes.

One process has `turns` of the micro-batches of a step, each cut into `share` parts where there are
more processes than micro-batches and they may be cut. Every process holds

    as it is     all weights, gradients and moments, and as much again as gradients for exchange
    sharded      a share of them, and the weights and gradients of two layers and of what is
                 gathered for the whole of a step (`training.gathering`)
    offloaded    the latter alone; its share is in host memory

and the activations of its micro-batch. A step takes the time of its FLOPs at the given utilisation
and that of reading and writing what the optimizer changes; the network between cards takes none.
"""

import math
from dataclasses import dataclass

from headwater.planning.cards import Card
from headwater.planning.measure import Measured, measure
from headwater.runs.recipe import PretrainRecipe, RunRecipe

ROOM = 0.9
"""Of a card's memory: the rest is for the driver, kernels and gaps between tensors."""

PROCESS = 400 * 2**20
"""What a process on a CPU holds besides: Python and its libraries."""

DAY = 86_400
_UINT16 = 2**16


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that each process holds, by what for.

    peak: the most at one time, which is less than the sum: activations go as gradients come.
    """

    weights: int
    gradients: int
    moments: int
    exchange: int
    activations: int
    peak: int


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a run is.

    step: seconds.
    read: bytes of data each second.
    """

    step: float
    tokens: float
    days: float
    read: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A run on some cards.

    turns, rows: micro-batches of a process in a step, and sequences in each.
    step_tokens, step_flops, step_rows: of a whole step, all processes together.
    speed: None where the machine's rates are not known.
    model, state: bytes of a folder of weights, and of one to continue from.
    """

    measured: Measured
    gpus: int
    shard: bool
    bf16: bool
    turns: int
    rows: int
    steps: int
    step_rows: float
    step_tokens: float
    step_flops: float
    memory: Memory
    speed: Speed | None
    model: int
    state: int

    @property
    def flops(self) -> float:
        """Of the whole run."""
        return self.steps * self.step_flops

    def fits(self, memory: int) -> bool:
        """Whether it fits into a card with that memory."""
        return self.memory.peak <= ROOM * memory


def plan(
    recipe: RunRecipe, steps: int, *, gpus: int, card: Card | None, utilisation: float
) -> Plan:
    """Plan a run of a resolved recipe.

    Args:
        steps: of the run; see `count_steps`.
        card: None: a CPU.
        utilisation: the share of a card's peak rate that is reached.
    """
    training = recipe.training
    bf16 = _is_bf16(training.precision, card)
    shard = training.shard and gpus > 1
    accumulate = training.gradient_accumulation_steps
    turns = -(-accumulate // gpus)
    whole = part = measure(recipe, bf16=bf16, cpu=card is None, several=turns > 1)
    share = max(1, turns * gpus // accumulate) if whole.cut else 1
    if share > 1:
        part = measure(recipe, bf16=bf16, cpu=card is None, share=share, several=turns > 1)
    memory = _sharded(part, gpus, bf16=bf16) if shard else _copied(part, gpus)
    if shard and training.cpu_offload:
        memory = _offloaded(memory)
    tokens, flops = (accumulate * each for each in (whole.tokens, whole.flops))
    speed = None
    if card is not None:
        peak = (card.bf16 or card.fp16) if bf16 else None
        update = _touched(whole) / (gpus if shard else 1) / card.bandwidth
        own = flops / gpus if whole.cut else turns * whole.flops
        seconds = own / ((peak or card.fp32) * utilisation) + update
        wide = 2 if isinstance(recipe, PretrainRecipe) and whole.vocabulary <= _UINT16 else 4
        speed = Speed(seconds, tokens / seconds, steps * seconds / DAY, wide * tokens / seconds)
    return Plan(
        part, gpus, shard, bf16, turns, math.ceil(part.rows), steps, accumulate * whole.rows,
        tokens, flops, memory, speed, whole.saved, whole.saved + whole.moments,
    )  # fmt: skip


def _copied(measured: Measured, gpus: int) -> Memory:
    exchange = measured.gradients if gpus > 1 else 0
    held = measured.weights + measured.moments + exchange
    most = max(measured.backward, measured.gradients + measured.update)
    return Memory(
        measured.weights,
        measured.gradients,
        measured.moments,
        exchange,
        measured.activations,
        held + most,
    )


def _sharded(measured: Measured, gpus: int, *, bf16: bool) -> Memory:
    weights, gradients, moments = (
        -(-each // gpus) for each in (measured.weights, measured.gradients, measured.moments)
    )
    layers = 2 * measured.block
    gathered = (layers // 2 if bf16 else layers) + measured.rest  # layers in bf16, the rest not
    exchange = gathered + layers + measured.rest  # and gradients, which are summed in float32
    held = weights + moments + exchange
    passing = measured.activations + gradients
    most = max(passing, gradients + -(-measured.update // gpus))
    return Memory(weights, gradients, moments, exchange, measured.activations, held + most)


def _offloaded(sharded: Memory) -> Memory:
    """Return what is left on a card where parts, gradients and moments are in host memory."""
    peak = sharded.exchange + sharded.activations
    return Memory(0, 0, 0, sharded.exchange, sharded.activations, peak)


def _touched(measured: Measured) -> float:
    """Return the bytes that an update reads and writes: gradients once, the rest twice."""
    return 3 * measured.gradients + 2 * measured.moments


def _is_bf16(precision: str, card: Card | None) -> bool:
    if card is None or card.bf16 is None:
        return precision in ("bf16", "fp16")
    return precision != "fp32"
