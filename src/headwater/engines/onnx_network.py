"""An encoder that ONNX Runtime runs, in place of its modules."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, final

import numpy as np
import torch
from torch import Tensor

from headwater.checkpoints.description import Description
from headwater.engines.library import imported
from headwater.errors import UserError
from headwater.models.body import EncoderBody
from headwater.models.config import HeadName, ModelConfig
from headwater.models.families import sizes_of
from headwater.models.heads import Head, ModelWithHead, PreTrainingLogits, SpanLogits
from headwater.models.losses import Batch

_SEVERAL = {"span": SpanLogits, "pretraining": PreTrainingLogits}
"""The heads with more outputs than one."""


def open_onnx(file: Path, described: Description, threads: int) -> ModelWithHead | EncoderBody:
    """Open an export.

    Args:
        described: its config.json.
        threads: of one batch.
    """
    body = OnnxEncoder(described.config, _session(file, threads))
    head = described.saved_head()
    return body if head is None else OnnxModel(body, head)


def _session(file: Path, threads: int) -> Any:
    """Return an InferenceSession, whose threads sleep while they have nothing to do."""
    runtime = imported("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions have no base of their own
        line = str(error).strip().partition("\n")[0]
        raise UserError(f"{file}: ONNX Runtime cannot open it: {line}") from None


@final
class OnnxEncoder(EncoderBody):
    """A body as ONNX Runtime runs it. Calls may come from many threads at once."""

    def __init__(self, config: ModelConfig, session: Any) -> None:
        super().__init__()
        self.config = config
        self._session = session
        self._inputs = [each.name for each in session.get_inputs()]

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        blocks: Tensor | None = None,
    ) -> Tensor:
        if blocks is not None:
            raise UserError("an export reads no packed sequences")
        given = {"attention_mask": attention_mask, "token_type_ids": token_type_ids}
        present = {name: each for name, each in given.items() if each is not None}
        return self.outputs({"input_ids": input_ids, **present})[0]

    def outputs(self, batch: Batch) -> list[Tensor]:
        """Return the outputs of the graph, in its order, for a batch as `ModelWithHead` has it."""
        ids = batch["input_ids"]
        if ids.shape[1] > (longest := sizes_of(self.config).longest_input):
            raise UserError(f"{ids.shape[1]} tokens in a sequence; this model takes {longest}")
        usual = {"attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)}
        feed: Mapping[str, np.ndarray] = {
            name: (batch[name] if name in batch else usual[name]).long().cpu().numpy()
            for name in self._inputs
        }
        return [torch.from_numpy(each) for each in self._session.run(None, feed)]


@final
class OnnxModel(ModelWithHead):
    """A body with a head, both in one graph."""

    body: OnnxEncoder

    def __init__(self, body: OnnxEncoder, head: HeadName) -> None:
        named = Head()
        named.name = head
        super().__init__(body, named)

    def forward(self, batch: Batch) -> Any:
        """Return what the head of that name returns, float32."""
        outputs = self.body.outputs(batch)
        several = _SEVERAL.get(self.head_name)
        return outputs[0] if several is None else several(*outputs)

    def encode(self, batch: Batch) -> NoReturn:
        raise UserError("an export gives the outputs of its head alone")
