"""`feature-extraction` and `sentence-similarity`: vectors of texts, and their cosines."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, final

from pydantic import PositiveInt
from torch import Tensor, nn

from headwater.config import Config
from headwater.data.config import SequenceConfig
from headwater.data.example import PairExample
from headwater.inference.batches import predict_logits
from headwater.inference.loaded import LoadedModel
from headwater.inference.unit_vectors import unit
from headwater.models.body import Body
from headwater.models.losses import Batch
from headwater.pipelines.task import field, filled, first_or_all, several, texts_of
from headwater.tasks.pair_features import encode_pairs


class VectorOptions(Config):
    """What a caller may set.

    normalize: give vectors the length 1.
    prompt_name: of what the model puts before each text; left out: its default one.
    dimensions: how many numbers of each vector are given, the first ones; left out: all.
    truncate, truncation_direction: the end of a long text is cut, which is all that is offered.
    """

    normalize: bool = False
    prompt_name: str | None = None
    dimensions: PositiveInt | None = None
    truncate: Literal[True] = True
    truncation_direction: Literal["right", "Right"] = "right"


@final
class FeatureExtraction:
    """Gives vectors of texts."""

    options = VectorOptions

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        model.predictors.embedder()  # that it can

    def items(self, inputs: Any) -> tuple[list[str], bool]:
        return texts_of(inputs)

    def characters(self, item: str) -> int:
        return len(item)

    def run(self, items: Sequence[str], options: VectorOptions) -> list[Any]:
        found = self._model.embed(items, prompt=options.prompt_name)[:, : options.dimensions]
        if options.normalize:
            found = unit(found)
        return [row.tolist() for row in found]

    def outer(self, results: list[Any], one: bool) -> Any:
        return results

    def token_vectors(self, items: Sequence[str]) -> list[Any]:
        """Return the encoder's outputs `[tokens, width]` for each text, special tokens included."""
        embedder = self._model.predictors.embedder()
        features = encode_pairs(
            embedder.vocabulary,
            [PairExample("", text) for text in items],
            SequenceConfig(max_length=embedder.longest),
            (),
            labelled=False,
            layout=embedder.layout,
        )
        pad_id, body = embedder.vocabulary.pad_id or 0, _Outputs(embedder.network.body).eval()
        found = predict_logits(body, features, pad_id, precision=embedder.precision)
        lengths = features.lengths.tolist()
        return [each[:length].tolist() for each, length in zip(found, lengths, strict=True)]


class _Outputs(nn.Module):
    """A body whose outputs `[batch, length, width]` are what is wanted of a batch."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        self.body = body

    def forward(self, batch: Batch) -> Tensor:
        return self.body.hidden(batch)


class NoOptions(Config):
    """Nothing can be set."""


class Comparison(NamedTuple):
    """A sentence, and those that it is compared with."""

    source: str
    sentences: tuple[str, ...]


@final
class SentenceSimilarity:
    """Compares a sentence with others, by the cosines of their vectors."""

    options = NoOptions

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        model.predictors.embedder()  # that it can

    def items(self, inputs: Any) -> tuple[list[Comparison], bool]:
        """Check `{"source_sentence": ..., "sentences": [...]}`, or a list of them."""
        if isinstance(inputs, dict):
            return [_comparison(inputs, "inputs")], True
        given = several(inputs, "an object with source_sentence and sentences, or a list of them")
        return [_comparison(each, f"inputs[{n}]") for n, each in enumerate(given)], False

    def characters(self, item: Comparison) -> int:
        return len(item.source) + sum(map(len, item.sentences))

    def run(self, items: Sequence[Comparison], options: NoOptions) -> list[Any]:
        texts = [text for each in items for text in (each.source, *each.sentences)]
        vectors = unit(self._model.embed(texts))
        found, begin = [], 0
        for each in items:
            end = begin + 1 + len(each.sentences)
            found.append((vectors[begin + 1 : end] @ vectors[begin]).tolist())
            begin = end
        return found

    def outer(self, results: list[Any], one: bool) -> Any:
        return first_or_all(results, one)


def _comparison(given: Any, where: str) -> Comparison:
    source = field(given, "source_sentence", where)
    sentences = several(given.get("sentences"), "a list of texts", f"{where}.sentences")
    named = (filled(text, f"{where}.sentences[{n}]") for n, text in enumerate(sentences))
    return Comparison(source, tuple(named))
