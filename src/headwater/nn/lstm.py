"""A recurrent layer whose state is projected and clipped: Sak, Senior and Beaufays 2014, "Long
Short-Term Memory Recurrent Neural Network Architectures for Large Scale Acoustic Modeling",
section 2.1, without peepholes. torch's own projects but does not clip, which the published ELMo
does: its cells and its states stay within 3.

    i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of (x W + h R + b)
    c = clip(f * c + i * g)             cells
    h = clip((o * tanh(c)) P)           the state, narrower than the cells

Several directions run side by side, each with weights of its own, so that one product per step
serves all of them. The gradient is written out: what can be is computed for all steps at once, and
each weight takes one product over all steps at the end, where autograd takes one per step.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class ProjectedLSTM(nn.Module):
    """`[directions, length, batch, inputs]` -> `[directions, length, batch, width]`, from zeros.

    Args:
        inputs: width of what is read.
        cells: width of the memory.
        width: of the states.
        directions: layers that run at once; turning their inputs around is the caller's.
        cell_clip, projection_clip: bounds of the cells and of the states; 0: none.
    """

    def __init__(
        self,
        inputs: int,
        cells: int,
        width: int,
        *,
        directions: int,
        cell_clip: float,
        projection_clip: float,
    ) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.empty(directions, inputs, 4 * cells))
        self.recurrent = nn.Parameter(torch.empty(directions, width, 4 * cells))
        self.bias = nn.Parameter(torch.empty(directions, 4 * cells))
        self.projection = nn.Parameter(torch.empty(directions, cells, width))
        self.clips = (cell_clip or torch.inf, projection_clip or torch.inf)

    def initialize(self) -> None:
        """Draw weights from uniform(-a, a), a = sqrt(6 / (inputs + outputs)); biases are 0.

        Those of the forget gates are 1 (Jozefowicz, Zaremba and Sutskever 2015, section 5).
        """
        inputs, width, gates = self.input.shape[1], self.recurrent.shape[1], self.input.shape[2]
        cells = gates // 4
        # W and R are one matrix where they were published, and were drawn as one.
        for weight, ends in (
            (self.input, inputs + width + gates),
            (self.recurrent, inputs + width + gates),
            (self.projection, cells + width),
        ):
            bound = (6 / ends) ** 0.5
            nn.init.uniform_(weight, -bound, bound)
        nn.init.zeros_(self.bias)
        nn.init.ones_(self.bias[:, cells : 2 * cells])

    def forward(self, inputs: Tensor) -> Tensor:
        device = inputs.device.type
        autocast = torch.is_autocast_enabled(device)
        number = torch.get_autocast_dtype(device) if autocast else inputs.dtype
        weights = self.input, self.recurrent, self.bias, self.projection
        with torch.autocast(device, enabled=False):
            states: Tensor = _Scan.apply(  # type: ignore[no-untyped-call]
                inputs, *weights, self.clips, number
            )
        return states


class _Scan(torch.autograd.Function):
    """All steps. Products are in `number`; gates and cells are like the weights.

    Large arrays are few, since the memory of new ones costs more than what is computed in them;
    what lives for a step is small enough for the processor's cache.
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight: Tensor,
        recurrent: Tensor,
        bias: Tensor,
        projection: Tensor,
        clips: tuple[float, float],
        number: torch.dtype,
    ) -> Tensor:
        directions, length, batch, _ = inputs.shape
        cells, width = projection.shape[1:]
        read = inputs.to(number).flatten(1, 2)
        weights = weight.to(number), recurrent.to(number), projection.to(number)
        gates = torch.bmm(read, weights[0]).to(bias.dtype).add_(bias[:, None])
        gates = gates.view(directions, length, batch, -1)  # becomes what the gates let through
        memory = gates.new_empty(directions, length, batch, cells)
        states: Tensor = gates.new_empty(directions, length, batch, width)
        for step in range(length):
            gate, cell = gates[:, step], memory[:, step]
            if step:
                gate += torch.bmm(states[:, step - 1].to(number), weights[1])
            gate[..., : 2 * cells].sigmoid_()
            gate[..., 2 * cells : 3 * cells].tanh_()
            gate[..., 3 * cells :].sigmoid_()
            let, kept, new, out = gate.chunk(4, -1)
            torch.mul(let, new, out=cell)
            if step:
                cell.addcmul_(kept, memory[:, step - 1])
            cell.clamp_(-clips[0], clips[0])
            state = torch.bmm((out * cell.tanh()).to(number), weights[2])
            states[:, step] = state.clamp_(-clips[1], clips[1])
        ctx.save_for_backward(read, gates, memory, states, *weights)
        ctx.clips = clips
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, wanted: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of inputs and weights from that of the states."""
        read, gates, memory, states, weight, recurrent, projection = ctx.saved_tensors
        number, (directions, length, batch, cells) = read.dtype, memory.shape
        clipped = [_reaches(*pair) for pair in zip((memory, states), ctx.clips, strict=True)]
        slopes = torch.empty_like(gates)
        projected = torch.zeros_like(projection, dtype=memory.dtype)
        carried = memory.new_zeros(directions, batch, cells)
        for step in reversed(range(length)):
            state = wanted[:, step]
            if step + 1 < length:
                state = state + torch.bmm(slopes[:, step + 1].to(number), recurrent.mT)
            if clipped[1]:
                state = state.masked_fill(states[:, step].abs() >= ctx.clips[1], 0)
            state = state.to(number)
            let, kept, new, out = gates[:, step].chunk(4, -1)
            squashed = memory[:, step].tanh()
            shown = out * squashed
            projected += torch.bmm(shown.to(number).mT, state)
            shone = torch.bmm(state, projection.mT).to(memory.dtype)
            carried.addcmul_(shone, out.addcmul(shown, squashed, value=-1))
            if clipped[0]:
                carried.masked_fill_(memory[:, step].abs() >= ctx.clips[0], 0)
            into = slopes[:, step].chunk(4, -1)
            torch.mul(carried * new, let.addcmul(let, let, value=-1), out=into[0])
            if step:
                before = carried * memory[:, step - 1]
                torch.mul(before, kept.addcmul(kept, kept, value=-1), out=into[1])
            else:
                into[1].zero_()
            torch.mul(carried, let.addcmul(let * new, new, value=-1), out=into[2])
            torch.mul(shone, shown.addcmul(shown, out, value=-1), out=into[3])
            carried *= kept
        return _gathered(slopes.flatten(1, 2), read, states, weight, recurrent, projected)


def _reaches(values: Tensor, bound: float) -> bool:
    """Tell whether a clipped value stands at its bound, where no gradient passes."""
    least, most = values.aminmax()
    return bool(torch.maximum(most, -least) >= bound)


def _gathered(
    slopes: Tensor,
    read: Tensor,
    states: Tensor,
    weight: Tensor,
    recurrent: Tensor,
    projected: Tensor,
) -> tuple[Tensor | None, ...]:
    """Return all gradients from those of the gates' inputs, each product over all steps at once."""
    number, exact = read.dtype, slopes.dtype
    directions, length, batch, _ = states.shape
    bias = slopes.sum(1)
    slopes = slopes.to(number)
    before = states[:, :-1].to(number).flatten(1, 2)
    return (
        torch.bmm(slopes, weight.mT).view(directions, length, batch, -1).to(exact),
        torch.bmm(read.mT, slopes).to(exact),
        torch.bmm(before.mT, slopes[:, batch:]).to(exact),
        bias,
        projected,
        None,
        None,
    )
