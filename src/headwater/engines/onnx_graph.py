"""An encoder as an ONNX graph, from our own weights: one function for each of our modules.

    write_onnx(network, folder / "model.onnx", quantization=None)

input_ids, attention_mask and, of a model with segments, token_type_ids, int64 [batch, length]
    -> start_logits, end_logits | logits | last_hidden_state | prediction_logits, ..., float32

Inputs and outputs have the names of `transformers`. Batch and length may be any.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
from torch import Tensor, nn

from headwater.engines.library import imported
from headwater.errors import UserError, with_article
from headwater.models.bert.network import Bert, Embeddings
from headwater.models.build import Model
from headwater.models.families import sizes_of
from headwater.models.heads import (
    MaskedLMHead,
    ModelWithHead,
    PooledHead,
    PreTrainingHead,
    SpanHead,
    TokenHead,
)
from headwater.nn.attention import Attention
from headwater.nn.block import PreNorm
from headwater.nn.feedforward import ACTIVATIONS, FeedForward
from headwater.nn.norm import LayerNorm

QUANTIZATIONS = ("int8",)

_ACTIVATED: Mapping[Any, tuple[str, dict[str, str]]] = {
    ACTIVATIONS["gelu"]: ("Gelu", {"approximate": "none"}),
    ACTIVATIONS["gelu_new"]: ("Gelu", {"approximate": "tanh"}),
    ACTIVATIONS["relu"]: ("Relu", {}),
    ACTIVATIONS["tanh"]: ("Tanh", {}),
}
"""Our activations and the operators of ONNX; silu is made of two."""

_OPSET, _IR = 20, 10  # the first with Gelu; the format that goes with it
_LARGEST = 2**31  # bytes of one file
_LOWEST = float(np.finfo(np.float32).min)
_LENGTHS = ("batch_size", "sequence_length")
_Shape = tuple[str | int, ...]


def input_names(network: Model) -> list[str]:
    """Return the inputs of a network's graph, each `[batch, length]`."""
    names = ["input_ids", "attention_mask"]
    return [*names, "token_type_ids"] if sizes_of(network.config).segments > 1 else names


def write_onnx(network: Model, file: Path, quantization: str | None) -> None:
    """Write the graph of an encoder with a head, or of its body alone; others are a UserError.

    Args:
        quantization: "int8": the matrices of its layers, a scale for each output, and what they
            read as it comes.
    """
    onnx = imported("onnx", "onnx")
    if sum(each.numel() * 4 for each in network.parameters()) >= _LARGEST:
        raise UserError(f"{file.name}: a file of ONNX holds less than 2 GiB, this model is larger")
    model = _Writer(onnx).model(network)
    if quantization is None:
        onnx.save_model(model, str(file))
        return
    tools = imported("onnxruntime.quantization", "onnx")
    onnx.helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    with TemporaryDirectory(dir=file.parent) as folder:
        whole = Path(folder) / "model.onnx"
        onnx.save_model(model, str(whole))
        tools.quantize_dynamic(
            *(str(whole), str(file)),
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=tools.QuantType.QInt8,
        )


class _Writer:
    """The nodes and the weights of a graph as they come. Each method returns names of outputs."""

    def __init__(self, onnx: Any) -> None:
        self._helper, self._numpy = onnx.helper, onnx.numpy_helper
        self._kinds = onnx.TensorProto
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._names: dict[tuple[object, ...], str] = {}

    def model(self, network: Model) -> Any:
        """Return the ModelProto of a network."""
        body = network.body
        if not isinstance(body, Bert) or not isinstance(network, ModelWithHead | Bert):
            what = with_article(network.config.model_type)
            raise UserError(
                f"{what} of this kind is not written as ONNX here: export a BERT, RoBERTa or "
                "DistilBERT with one head or none; for T5 and GPT-2 there is `export ctranslate2`"
            )
        inputs = input_names(network)
        hidden = self._body(body)
        shape: _Shape = (*_LENGTHS, body.config.hidden_size)
        outputs = {"last_hidden_state": (hidden, shape)}
        if isinstance(network, ModelWithHead):
            outputs = self._head(network, hidden)
        for name, (value, _) in outputs.items():
            self._nodes.append(self._helper.make_node("Identity", [value], [name]))
        whole, number = self._kinds.INT64, self._kinds.FLOAT
        given = [self._helper.make_tensor_value_info(name, whole, _LENGTHS) for name in inputs]
        found = [
            self._helper.make_tensor_value_info(name, number, shape)
            for name, (_, shape) in outputs.items()
        ]
        graph = self._helper.make_graph(self._nodes, "encoder", given, found, self._weights)
        opset = self._helper.make_opsetid("", _OPSET)
        return self._helper.make_model(
            graph, producer_name="headwater", opset_imports=[opset], ir_version=_IR
        )

    # ------------------------------------------------------------------------------ the body

    def _body(self, body: Bert) -> str:
        hidden = self._embeddings(body.embeddings)
        mask = self._op("Cast", "attention_mask", to=self._kinds.BOOL)
        bias = self._op("Where", mask, self._number(0.0), self._number(_LOWEST))
        bias = self._op("Unsqueeze", bias, self._ints(1, 2))
        for layer in body.layers:
            hidden = self._residual(layer.get_submodule("attention"), hidden, bias)
            hidden = self._residual(layer.get_submodule("feedforward"), hidden, bias)
        return hidden if body.norm is None else self._norm(hidden, body.norm)

    def _embeddings(self, embeddings: Embeddings) -> str:
        vectors = self._op("Gather", self._table(embeddings.token), "input_ids")
        positions = self._table(embeddings.position)
        if embeddings.padding is None:
            length = self._op("Shape", "input_ids", start=1)
            vectors_of_positions = self._op("Slice", positions, self._ints(0), length)
        else:
            padding = self._weight(np.array(embeddings.padding, np.int64))
            same = self._op("Not", self._op("Equal", "input_ids", padding))
            real = self._op("Cast", same, to=self._kinds.INT64)
            count = self._op("CumSum", real, self._weight(np.array(1, np.int64)))
            index = self._op("Add", self._op("Mul", count, real), padding)
            vectors_of_positions = self._op("Gather", positions, index)
        vectors = self._op("Add", vectors, vectors_of_positions)
        if embeddings.segment is not None:
            several = len(embeddings.segment.weight) > 1
            table = self._table(embeddings.segment)
            segments = "token_type_ids" if several else self._weight(np.array(0, np.int64))
            vectors = self._op("Add", vectors, self._op("Gather", table, segments))
        return self._norm(vectors, embeddings.norm)

    def _residual(self, part: nn.Module, hidden: str, bias: str) -> str:
        """Write a PostNorm or a PreNorm with the layer in it."""
        layer, norm = part.get_submodule("layer"), cast(LayerNorm, part.get_submodule("norm"))
        first = isinstance(part, PreNorm)
        read = self._norm(hidden, norm) if first else hidden
        if isinstance(layer, Attention):
            changed = self._attention(layer, read, bias)
        else:
            assert isinstance(layer, FeedForward)
            inner = self._activated(self._linear(read, layer.inner), layer.activation)
            changed = self._linear(inner, layer.outer)
        total = self._op("Add", hidden, changed)
        return total if first else self._norm(total, norm)

    def _attention(self, attention: Attention, hidden: str, bias: str) -> str:
        heads = self._ints(0, 0, attention.heads, -1)

        def split(projection: nn.Module, order: Sequence[int]) -> str:
            parts = self._op("Reshape", self._linear(hidden, projection), heads)
            return self._op("Transpose", parts, perm=order)

        query = split(attention.query, (0, 2, 1, 3))
        keys, values = split(attention.key, (0, 2, 3, 1)), split(attention.value, (0, 2, 1, 3))
        query = self._op("Mul", query, self._number(attention.scale))
        scores = self._op("Add", self._op("MatMul", query, keys), bias)
        mixed = self._op("MatMul", self._op("Softmax", scores, axis=-1), values)
        mixed = self._op("Transpose", mixed, perm=(0, 2, 1, 3))
        return self._linear(self._op("Reshape", mixed, self._ints(0, 0, -1)), attention.output)

    # ----------------------------------------------------------------------------- the heads

    def _head(self, network: ModelWithHead, hidden: str) -> dict[str, tuple[str, _Shape]]:
        """Return the outputs of a head by their names, with their shapes."""
        head, vectors = network.head, network.body.token_embedding
        tokens = (*_LENGTHS, len(vectors))
        match head:
            case SpanHead():
                both = self._linear(hidden, head.dense)
                names = ("start_logits", "end_logits")
                index = (self._weight(np.array(number, np.int64)) for number in (0, 1))
                parts = [self._op("Gather", both, each, axis=-1) for each in index]
                return {name: (part, _LENGTHS) for name, part in zip(names, parts, strict=True)}
            case PreTrainingHead():
                masked = self._masked_lm(head.masked_lm, hidden, vectors)
                sentence = self._pooled(head.next_sentence, hidden)
                return {
                    "prediction_logits": (masked, tokens),
                    "seq_relationship_logits": (sentence, (_LENGTHS[0], 2)),
                }
            case PooledHead():
                shape = (_LENGTHS[0], head.dense.out_features)
                return {"logits": (self._pooled(head, hidden), shape)}
            case TokenHead():
                scores = self._linear(hidden, head.dense)
                return {"logits": (scores, (*_LENGTHS, head.dense.out_features))}
            case MaskedLMHead():
                return {"logits": (self._masked_lm(head, hidden, vectors), tokens)}
        raise AssertionError(head.name)

    def _pooled(self, head: PooledHead, hidden: str) -> str:
        first = self._op("Gather", hidden, self._weight(np.array(0, np.int64)), axis=1)
        pooler = head.pooler
        dense = self._linear(first, pooler.get_submodule("dense"))
        return self._linear(self._activated(dense, pooler.activation), head.dense)

    def _masked_lm(self, head: MaskedLMHead, hidden: str, vectors: Tensor) -> str:
        hidden = self._activated(self._linear(hidden, head.dense), head.activation)
        hidden = self._norm(hidden, head.norm)
        matrix = vectors if head.decoder is None else head.decoder.weight
        scores = self._op(
            "MatMul", hidden, self._op("Transpose", self._weight(matrix), perm=(1, 0))
        )
        return self._op("Add", scores, self._weight(head.bias))

    # ----------------------------------------------------------------------------- the parts

    def _linear(self, hidden: str, module: nn.Module) -> str:
        assert isinstance(module, nn.Linear)
        product = self._op("MatMul", hidden, self._weight(module.weight.T))
        return (
            product if module.bias is None else self._op("Add", product, self._weight(module.bias))
        )

    def _norm(self, hidden: str, norm: LayerNorm) -> str:
        assert norm.bias is not None, "a BERT's have one"
        weights = self._weight(norm.weight), self._weight(norm.bias)
        return self._op("LayerNormalization", hidden, *weights, axis=-1, epsilon=norm.eps)

    def _activated(self, hidden: str, activation: Any) -> str:
        if activation is ACTIVATIONS["silu"]:
            return self._op("Mul", hidden, self._op("Sigmoid", hidden))
        name, attributes = _ACTIVATED[activation]
        return self._op(name, hidden, **attributes)

    def _op(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output."""
        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def _table(self, embedding: nn.Embedding) -> str:
        return self._weight(embedding.weight)

    def _ints(self, *values: int) -> str:
        return self._weight(np.array(values, np.int64))

    def _number(self, value: float) -> str:
        return self._weight(np.array(value, np.float32))

    def _weight(self, value: Tensor | np.ndarray) -> str:
        """Add a constant; one that is there already is named again."""
        if isinstance(value, Tensor):
            key: tuple[object, ...] = (value.data_ptr(), value.shape, value.stride())
            array = value.detach().float().cpu().contiguous().numpy()
        else:
            key, array = (value.dtype.str, value.shape, value.tobytes()), value
        if key not in self._names:
            self._names[key] = f"weight_{len(self._weights)}"
            self._weights.append(self._numpy.from_array(array, self._names[key]))
        return self._names[key]
