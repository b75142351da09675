"""A recurrent layer whose state is projected and clipped: Sak, Senior and Beaufays 2014, "Long
Short-Term Memory Recurrent Neural Network Architectures for Large Scale Acoustic Modeling",
section 2.1, without peepholes. torch's own projects but does not clip, which the published ELMo
does: cells and states stay within 3.

    i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of (x W + h R + b)
    c = clip(f * c + i * g)             the cells, `hidden_size` wide
    h = clip((o * tanh(c)) P)           the state, `width` wide, which is less

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
        hidden_size: width of the cells.
        width: of the states.
        directions: layers that run at once; reversing their inputs is the caller's.
        cell_clip, projection_clip: bounds of the cells and of the states; 0: none.
    """

    def __init__(
        self,
        inputs: int,
        hidden_size: int,
        width: int,
        *,
        directions: int,
        cell_clip: float,
        projection_clip: float,
    ) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.empty(directions, inputs, 4 * hidden_size))
        self.recurrent = nn.Parameter(torch.empty(directions, width, 4 * hidden_size))
        self.bias = nn.Parameter(torch.empty(directions, 4 * hidden_size))
        self.projection = nn.Parameter(torch.empty(directions, hidden_size, width))
        self.clips = (cell_clip or torch.inf, projection_clip or torch.inf)

    def initialize(self) -> None:
        """Draw weights from uniform(-a, a), a = sqrt(6 / (inputs + outputs)); biases are 0.

        Those of the forget gates are 1 (Jozefowicz, Zaremba and Sutskever 2015, section 5).
        """
        inputs, width, gates = self.input.shape[1], self.recurrent.shape[1], self.input.shape[2]
        hidden_size = gates // 4
        # W and R are one matrix where they were published, and were drawn as one.
        for weight, ends in (
            (self.input, inputs + width + gates),
            (self.recurrent, inputs + width + gates),
            (self.projection, hidden_size + width),
        ):
            bound = (6 / ends) ** 0.5
            nn.init.uniform_(weight, -bound, bound)
        nn.init.zeros_(self.bias)
        nn.init.ones_(self.bias[:, hidden_size : 2 * hidden_size])

    def forward(self, inputs: Tensor) -> Tensor:
        device = inputs.device.type
        autocast = torch.is_autocast_enabled(device)
        dtype = torch.get_autocast_dtype(device) if autocast else inputs.dtype
        weights = self.input, self.recurrent, self.bias, self.projection
        with torch.autocast(device, enabled=False):
            states: Tensor = _Scan.apply(  # type: ignore[no-untyped-call]
                inputs, *weights, self.clips, dtype
            )
        return states


class _Scan(torch.autograd.Function):
    """All steps. Products are in `dtype`; gates and cells are like the weights.

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
        dtype: torch.dtype,
    ) -> Tensor:
        directions, length, batch, _ = inputs.shape
        hidden_size, width = projection.shape[1:]
        inputs = inputs.to(dtype).flatten(1, 2)
        weights = weight.to(dtype), recurrent.to(dtype), projection.to(dtype)
        # Few rows are multiplied sooner by a matrix whose columns are together.
        by_state, by_hidden = (each.mT.contiguous().mT for each in weights[1:])
        gates = torch.bmm(inputs, weights[0]).to(bias.dtype).add_(bias[:, None])
        gates = gates.view(directions, length, batch, -1)  # `_cell` puts their values in
        cells = gates.new_empty(directions, length, batch, hidden_size)
        states: Tensor = gates.new_empty(directions, length, batch, width)
        for step in range(length):
            if step:
                gates[:, step] += torch.bmm(states[:, step - 1].to(dtype), by_state)
            before = cells[:, step - 1] if step else None
            hidden = _cell(gates[:, step], before, cells[:, step], clips[0])
            states[:, step] = torch.bmm(hidden.to(dtype), by_hidden).clamp_(-clips[1], clips[1])
        ctx.save_for_backward(inputs, gates, cells, states, *weights)
        ctx.clips = clips
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_states: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of inputs and weights from that of the states."""
        inputs, gates, cells, states, weight, recurrent, projection = ctx.saved_tensors
        dtype, (directions, length, batch, hidden_size) = inputs.dtype, cells.shape
        clipped = [_reaches(*pair) for pair in zip((cells, states), ctx.clips, strict=True)]
        grad_gates = torch.empty_like(gates)
        hiddens, grads = torch.empty_like(cells, dtype=dtype), torch.empty_like(states, dtype=dtype)
        grad_cell = cells.new_zeros(directions, batch, hidden_size)
        for step in reversed(range(length)):
            grad = grad_states[:, step]
            if step + 1 < length:
                grad = grad + torch.bmm(grad_gates[:, step + 1].to(dtype), recurrent.mT)
            if clipped[1]:
                grad = grad.masked_fill(states[:, step].abs() >= ctx.clips[1], 0)
            grads[:, step] = grad
            cell, output_gate = cells[:, step], gates[:, step].chunk(4, -1)[3]
            tanh = cell.tanh()
            hidden = output_gate * tanh
            hiddens[:, step] = hidden
            grad_hidden = torch.bmm(grads[:, step], projection.mT).to(cells.dtype)
            grad_cell.addcmul_(grad_hidden, output_gate.addcmul(hidden, tanh, value=-1))
            if clipped[0]:
                grad_cell.masked_fill_(cell.abs() >= ctx.clips[0], 0)
            before = cells[:, step - 1] if step else None
            _gate_gradients(gates[:, step], before, grad_cell, grad_gates[:, step])
            grad_output_gate = grad_gates[:, step].chunk(4, -1)[3]
            torch.mul(
                grad_hidden, hidden.addcmul(hidden, output_gate, value=-1), out=grad_output_gate
            )
        products = _product_gradients(grad_gates.flatten(1, 2), inputs, states, weight)
        grad_projection = torch.bmm(hiddens.flatten(1, 2).mT, grads.flatten(1, 2))
        return *products, grad_projection.to(cells.dtype), None, None


def _cell(gates: Tensor, before: Tensor | None, cell: Tensor, clip: float) -> Tensor:
    """Write the gates' values and the new cell in place; return `o * tanh(c)`.

    Args:
        gates: `[directions, batch, 4 * hidden_size]`, as the products give them.
        before: the cell of the step before, or None at the first.
        cell: `[directions, batch, hidden_size]`.
    """
    hidden_size = cell.shape[-1]
    gates[..., : 2 * hidden_size].sigmoid_()
    gates[..., 2 * hidden_size : 3 * hidden_size].tanh_()
    gates[..., 3 * hidden_size :].sigmoid_()
    input_gate, forget_gate, candidate, output_gate = gates.chunk(4, -1)
    torch.mul(input_gate, candidate, out=cell)
    if before is not None:
        cell.addcmul_(forget_gate, before)
    cell.clamp_(-clip, clip)
    return output_gate * cell.tanh()


def _gate_gradients(gates: Tensor, before: Tensor | None, grad_cell: Tensor, out: Tensor) -> None:
    """Write the gradients of what the first three gates were computed from.

    `grad_cell` is that of this step's cell and becomes that of the step before.
    """
    input_gate, forget_gate, candidate, _ = gates.chunk(4, -1)
    grad_input, grad_forget, grad_candidate, _ = out.chunk(4, -1)
    slope = input_gate.addcmul(input_gate, input_gate, value=-1)
    torch.mul(grad_cell * candidate, slope, out=grad_input)
    if before is None:
        grad_forget.zero_()
    else:
        slope = forget_gate.addcmul(forget_gate, forget_gate, value=-1)
        torch.mul(grad_cell * before, slope, out=grad_forget)
    slope = input_gate.addcmul(input_gate * candidate, candidate, value=-1)
    torch.mul(grad_cell, slope, out=grad_candidate)
    grad_cell *= forget_gate


def _reaches(values: Tensor, bound: float) -> bool:
    """Tell whether a clipped value is at its bound, where no gradient passes."""
    least, most = values.aminmax()
    return bool(torch.maximum(most, -least) >= bound)


def _product_gradients(
    grad_gates: Tensor, inputs: Tensor, states: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the gradients of inputs, weights and bias, each product over all steps at once."""
    dtype, exact = inputs.dtype, grad_gates.dtype
    directions, length, batch, _ = states.shape
    bias = grad_gates.sum(1)
    grad_gates = grad_gates.to(dtype)
    before = states[:, :-1].to(dtype).flatten(1, 2)
    return (
        torch.bmm(grad_gates, weight.mT).view(directions, length, batch, -1).to(exact),
        torch.bmm(inputs.mT, grad_gates).to(exact),
        torch.bmm(before.mT, grad_gates[:, batch:]).to(exact),
        bias,
    )
