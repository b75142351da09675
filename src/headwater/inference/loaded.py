"""A model ready to be asked: what `headwater.load` returns.

model = load("reader")
model.answer("Who wrote it?", "It was written by Ada.")[0].text        # Ada
load("path/to/t5").generate(["translate English to German: good"])
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import torch

from headwater.checkpoints.adapted import open_model, put_on
from headwater.checkpoints.folder import LoadedCheckpoint, read_extra
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.parts import BASE, read_adaptation, weight_sums
from headwater.data.example import SpanExample
from headwater.device import choose_device
from headwater.errors import UserError, with_article
from headwater.inference.answer import Answer, Predictor
from headwater.inference.extractive_reader import ExtractiveReader
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.generative_reader import GenerativeReader
from headwater.inference.predictors import Predictors
from headwater.models.build import Model
from headwater.models.config import ModelConfig
from headwater.tasks.field_order import reorder
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary, check_fits

if TYPE_CHECKING:  # it brings all metrics
    from headwater.data.task import Task


def load(model: str | Path, device: str = "auto") -> "LoadedModel":
    """Load a model by folder, run folder, bundled name or hub id."""
    folder = resolve(str(model))
    target = choose_device(device)
    checkpoint = open_model(folder)
    checkpoint.model.to(target)
    return _loaded(checkpoint, folder, str(model))


def _loaded(checkpoint: LoadedCheckpoint, folder: Path, name: str) -> "LoadedModel":
    vocabulary, config = load_vocabulary(folder), checkpoint.config
    check_fits(vocabulary, config.vocab_size, str(folder))
    return LoadedModel(checkpoint.model, vocabulary, config, read_extra(folder), name)


@final
class LoadedModel:
    """A network with its vocabulary. Its methods may be called from many threads at once.

    network: in eval mode. vocabulary: text to token ids. config: the sizes.
    extra: what else traveled with the model (headwater.json). name: what it was loaded by.
    """

    def __init__(
        self,
        network: Model,
        vocabulary: Vocabulary,
        config: ModelConfig,
        extra: Mapping[str, Any] | None = None,
        name: str = "this model",
    ) -> None:
        self.network, self.vocabulary, self.config = network, vocabulary, config
        self.extra = dict(extra or {})
        self.name = name
        self._predictors = Predictors(network, vocabulary, config, self.extra, name)
        self._reader = self._predictors.question_reader()
        self._continuation = self._predictors.continuation()

    def answer(
        self, question: str, context: str | Mapping[str, str] | None = None, top_k: int = 1
    ) -> list[Answer]:
        """Answer a question, the best answer first; a GPT continues the text instead.

        Args:
            question: one question, or for a GPT any prompt.
            context: the text that holds the answer, of any length; or several texts by name; None
                asks a T5 for what it knows.
            top_k: how many answers; fewer come back only when there are no more.
        """
        if self._continuation is not None and context is None:
            return self._continuation.ask(question, top_k)
        reader = self._predictors.need(self._reader)
        if isinstance(reader, GenerativeReader):
            return reader.ask(question, context, top_k)
        if context is None:
            raise UserError(
                f"{self.name} finds answers in a text: give one (context=..., or --context FILE); "
                "only models that write, such as T5, answer without"
            )
        return reader.ask(question, context, top_k)

    def answer_batch(self, pairs: Iterable[tuple[str, str]], top_k: int = 1) -> list[list[Answer]]:
        """Answer many (question, context) pairs together, which is faster than one by one."""
        examples = [
            SpanExample(str(number), question, context, ())
            for number, (question, context) in enumerate(pairs)
        ]
        for example in examples:
            if not example.question.strip() or not example.context.strip():
                what = "context" if example.question.strip() else "question"
                raise UserError(f"pair {example.id}: the {what} is empty")
        return [
            list(each.answers)
            for each in self._predictors.need(self._reader).predict(examples, top_k)
        ]

    def generate(self, texts: Sequence[str], **options: Any) -> list[str]:
        """Generate texts for each input text; of a GPT, continuations of it.

        The fields of a task's template may stand in any order (see `tasks.field_order`).

        Args:
            options: fields of `GenerationConfig`: max_new_tokens, num_beams, do_sample, ...

        Returns:
            one list, as in `transformers`: `num_return_sequences` texts of the first input, the
            best first, then those of the second. A search that finds fewer gives "" for the rest.
        """
        if isinstance(texts, str):
            raise UserError("generate takes a list of texts, not one text")
        reader, config = self._reader, GenerationConfig.check(options, "generate")
        if isinstance(reader, GenerativeReader):
            found = reader.generator.generate([reorder(text) for text in texts], config)
        elif self._continuation is not None:
            found = self._continuation.generate(texts, config)
        else:
            raise UserError(
                f"{self.name} is {with_article(self.config.model_type)}, which does not write text "
                "here; load a T5 or a GPT for generate"
            )
        wanted = config.num_return_sequences
        padded = ([*(each.text for each in several), *[""] * wanted][:wanted] for several in found)
        return [text for several in padded for text in several]

    def unread(self, question: str) -> int:
        """Return how many tokens at the end of a question are too many for this, and not read."""
        return self._reader.unread(question) if isinstance(self._reader, ExtractiveReader) else 0

    def adapted(self, model: str | Path) -> "LoadedModel":
        """Return what was trained on this model and saved without it, on this model's body.

        Both share the body's memory: `load("minilm").adapted("runs/rte")` needs little more than
        the adapters or LoRA matrices and the head. This model stays as it is to the bit.

        Args:
            model: the run folder, or the folder of what was trained.
        """
        folder = resolve(str(model))
        found = read_adaptation(folder)
        if found is None:
            raise UserError(
                f"{model}: holds a whole model, which shares no body; load it by itself"
            )
        own = resolve(self.name)
        if read_adaptation(own) is not None or weight_sums(own) != found.base.sha256:
            raise UserError(
                f"{model}: was trained on {found.base.name}, not on {self.name} (the sha256 of the "
                f"weights is in its {BASE}); load that first"
            )
        return _loaded(put_on(self.network, folder, found), folder, str(model))

    @property
    def objective(self) -> str | None:
        """The objective it was pre-trained by, if it was adapted to no task since."""
        found = self.extra.get("objective")
        return None if found is None else str(found)

    @property
    def generates(self) -> bool:
        """Whether answers are generated, without offsets and no-answer probabilities."""
        return isinstance(self._reader, GenerativeReader)

    def predictor(
        self, task: "Task[Any]", *, precision: torch.dtype | None = None
    ) -> Predictor[Any]:
        """Return what predicts a task's examples.

        A T5 generates whatever the task is; an encoder's head must be of the task's kind and choose
        from its labels, in any order. A model of several tasks takes the head of that name.

        Args:
            precision: of an encoder's matrix products; None: by the device and the amount of text.
        """
        return self._predictors.for_task(task, precision)
