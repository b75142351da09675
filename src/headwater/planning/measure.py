"""What one process's part of a training step holds and computes, counted without numbers.

The most that tensors hold is the larger of two moments: in the backward pass (weights, moments,
gradients so far, activations not yet used) and in the update (Adafactor's own working memory).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from torch import nn

from headwater.planning.counting import Counter
from headwater.planning.network import PlannedRun, build, compute_body_before
from headwater.planning.passes import as_trained, count_passes
from headwater.runs.recipe import RunRecipe
from headwater.training.adafactor import factored
from headwater.training.config import TrainingConfig
from headwater.training.gathering import gathered_apart
from headwater.training.memory import count_parameters, training_bytes
from headwater.training.recomputing import layers_of


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one process that has the whole model; all but the counts are bytes.

    Attributes:
        parameters: how many numbers the model has.
        trained: how many of them train.
        parts: parameters by part of the model.
        weights: with buffers.
        gradients: of what trains.
        moments: of the optimizer.
        activations: at the end of a forward pass, by a micro-batch.
        backward: the most in a forward and backward pass, gradients included and weights not.
        update: what an update takes besides.
        rows, tokens: of a micro-batch; of a mixture the mean.
        flops: of a micro-batch, forward and backward; of a mixture the mean.
        saved: of the weights that a checkpoint has.
        block: of the largest layer, or part of one, that a sharded model gathers by itself.
        rest: of what it gathers for the whole of a step.
        vocabulary: how many tokens there are.
        layers: how many there are that may compute twice (`training.recomputing`).
        cut: whether a micro-batch may be cut; see `PlannedRun.cut`.
    """

    parameters: int
    trained: int
    parts: Mapping[str, int]
    weights: int
    gradients: int
    moments: int
    activations: int
    backward: int
    update: int
    rows: float
    tokens: float
    flops: float
    saved: int
    block: int
    rest: int
    vocabulary: int
    layers: int
    cut: bool


def measure(
    recipe: RunRecipe, *, bf16: bool, cpu: bool, several: bool = False, share: int = 1
) -> Measured:
    """Count what a process takes for a resolved recipe.

    Args:
        bf16: whether matrix products are in bf16.
        cpu: whether it runs on a CPU, whose dropout takes more.
        several: whether the process has several micro-batches in a step.
        share: into how many parts each micro-batch is cut.
    """
    counter = Counter()
    run = build(recipe, counter)
    model, training = run.model.train(), run.recipe.training
    compute_body_before(model)
    run.setup.method.before_step(model, 1, 1)
    with as_trained(model, training, cpu=cpu):
        batches = run.batches(share)
        turns = 1 + several  # the second finds gradients
        found = [count_passes(model, each, counter, bf16=bf16, turns=turns) for each in batches]
    block, rest = _gathered(model)
    trained, parameters = count_parameters(model)
    return Measured(
        parameters,
        trained,
        _parts(model),
        *_bytes(model, training),
        activations=max(each.activations for each in found),
        backward=max(each.backward for each in found),
        update=_update(model, training),
        rows=fmean(each.rows for each in found),
        tokens=fmean(each.tokens for each in found),
        flops=fmean(each.flops for each in found),
        saved=_saved(run),
        block=block,
        rest=rest,
        vocabulary=run.setup.vocabulary.size,
        layers=len(layers_of(model)),
        cut=run.cut,
    )


def _bytes(model: nn.Module, training: TrainingConfig) -> tuple[int, int, int]:
    """Return the bytes of weights with buffers, of gradients, and of moments."""
    weights = sum(each.nbytes for each in model.parameters())
    gradients = sum(each.nbytes for each in model.parameters() if each.requires_grad)
    moments = training_bytes(model, training) - weights - gradients
    return weights + sum(each.nbytes for each in model.buffers()), gradients, moments


def _update(model: nn.Module, training: TrainingConfig) -> int:
    """Return the bytes that an update makes and lets go, for the largest parameter at the most."""
    if training.optimizer == "adamw":
        return 0  # in place
    return max((_working(each) for each in model.parameters() if each.requires_grad), default=0)


def _working(parameter: nn.Parameter) -> int:
    """Adafactor makes the square and the update; without factors the inverse root as well."""
    return (2 if factored(parameter) else 3) * parameter.nbytes


def _saved(run: PlannedRun) -> int:
    model = run.setup.model
    own = run.setup.method.saves_adapter_only
    return sum(each.nbytes for each in model.parameters() if each.requires_grad or not own)


def _parts(model: nn.Module) -> dict[str, int]:
    """Return the parameters of each part; what several share counts for the first."""
    parts: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        words = name.removeprefix("network.").split(".")
        part = words[1] if words[0] == "body" else words[0]
        parts[part] = parts.get(part, 0) + parameter.numel()
    return parts


def _gathered(model: nn.Module) -> tuple[int, int]:
    """Return the bytes of the largest part that is gathered by itself, and of all else."""
    apart = [_size(part) for part in gathered_apart(model)]
    return max(apart, default=0), _size(model) - sum(apart)


def _size(module: nn.Module) -> int:
    return sum(each.nbytes for each in module.parameters())
