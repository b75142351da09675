"""A model ready to be asked: what `headwater.load` returns.

model = load("reader")
model.answer("Who wrote it?", "It was written by Ada.")[0].text        # Ada
load("path/to/t5").generate(["translate English to German: good"])
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from headwater.checkpoints.folder import EXTRA, load_model, read_extra
from headwater.checkpoints.hub import resolve
from headwater.data.config import TextConfig
from headwater.data.example import SpanExample
from headwater.data.task import Task
from headwater.errors import UserError
from headwater.inference.answer import Answer, Predictor
from headwater.inference.continuing import TextContinuer
from headwater.inference.decoding_config import DecodingConfig
from headwater.inference.extractive import SpanReader
from headwater.inference.generative import TextReader, TextWriter
from headwater.models.bert_config import BertConfig
from headwater.models.build import ModelConfig
from headwater.models.cbow_config import CBOWConfig
from headwater.models.elmo_config import ELMoConfig
from headwater.models.gpt import GPT
from headwater.models.heads import Headed, SpanHead
from headwater.models.t5 import T5
from headwater.models.t5_decoder import DecoderOnlyT5
from headwater.tasks.spans_config import SpanConfig
from headwater.tasks.squad import SQUAD_V2
from headwater.tasks.table import task as find_task
from headwater.text.vocabulary import Vocabulary, check_fits, load_vocabulary
from headwater.training.device import choose_device


def load(model: str | Path, device: str = "auto") -> "LoadedModel":
    """Load a model by folder, run folder, bundled name or hub id.

    Raises:
        UserError: there is no such model or device, or the folder is broken.
    """
    folder = resolve(str(model))
    target = choose_device(device)
    checkpoint = load_model(folder)
    vocabulary = load_vocabulary(folder)
    check_fits(vocabulary, checkpoint.config.vocab_size, str(folder))
    network = checkpoint.model.to(target)
    return LoadedModel(network, vocabulary, checkpoint.config, read_extra(folder), str(model))


class LoadedModel:
    """A network with its vocabulary. Its methods may be called from many threads at once.

    network: in eval mode. vocabulary: text to piece ids. config: the sizes.
    extra: what else traveled with the model (headwater.json). name: what it was loaded by.
    """

    def __init__(
        self,
        network: nn.Module,
        vocabulary: Vocabulary,
        config: ModelConfig,
        extra: Mapping[str, Any] | None = None,
        name: str = "this model",
    ) -> None:
        self.network, self.vocabulary, self.config = network, vocabulary, config
        self.extra = dict(extra or {})
        self.name = name
        self._threshold = _threshold(self.extra, name)
        self._reader = self._make_reader(self._threshold)
        self._continuer = TextContinuer(network, vocabulary) if isinstance(network, GPT) else None

    def answer(
        self, question: str, context: str | Mapping[str, str] | None = None, top_k: int = 1
    ) -> list[Answer]:
        """Answer a question, the best answer first; a GPT goes on with the text instead.

        Args:
            question: one question, or for a GPT any text to begin with.
            context: the text that holds the answer, of any length; or several texts by name; None
                asks a model that writes for what it knows.
            top_k: how many answers; fewer come back only when there are no more.

        Raises:
            UserError: the question or the text is empty, or this model cannot do it.
        """
        if self._continuer is not None and context is None:
            return self._continuer.ask(question, top_k)
        reader = self._need_reader()
        if isinstance(reader, TextReader):
            return reader.ask(question, context, top_k)
        if context is None:
            raise UserError(
                f"{self.name} finds answers in a text: give one (context=..., or --context FILE); "
                "only models that write, such as T5, answer without"
            )
        return reader.ask(question, context, top_k)

    def answer_batch(self, pairs: Iterable[tuple[str, str]], top_k: int = 1) -> list[list[Answer]]:
        """Answer many (question, context) pairs together, which is faster than one by one.

        Raises:
            UserError: a question or a context is empty; its number is named.
        """
        examples = [
            SpanExample(str(number), question, context, ())
            for number, (question, context) in enumerate(pairs)
        ]
        for example in examples:
            if not example.question.strip() or not example.context.strip():
                what = "context" if example.question.strip() else "question"
                raise UserError(f"pair {example.id}: the {what} is empty")
        return [list(each.answers) for each in self._need_reader().predict(examples, top_k)]

    def generate(self, texts: Sequence[str], **options: Any) -> list[str]:
        """Write a text for each input text; of a GPT, what each goes on with.

        Args:
            options: fields of DecodingConfig: max_length, beams, sample, temperature, top_p, ...

        Raises:
            UserError: an unknown option, or this model does not write.
        """
        if isinstance(texts, str):
            raise UserError("generate takes a list of texts, not one text")
        writer = self._reader.writer if isinstance(self._reader, TextReader) else self._continuer
        if writer is None:
            raise UserError(
                f"{self.name} is a {self.config.model_type}, which does not write text here; "
                "load a T5 or a GPT for generate"
            )
        config = DecodingConfig.check(options, "generate")
        return [written[0].text for written in writer.generate(texts, config)]

    @property
    def objective(self) -> str | None:
        """The objective it was pre-trained by, if it was adapted to no task since."""
        found = self.extra.get("objective")
        return None if found is None else str(found)

    @property
    def writes(self) -> bool:
        """Whether answers are written, without places and without no-answer probabilities."""
        return isinstance(self._reader, TextReader)

    def predictor(
        self, *, null_answers: bool, precision: torch.dtype | None = None
    ) -> Predictor[SpanExample]:
        """Return what predicts a task's examples.

        Args:
            null_answers: whether the task knows questions without an answer; without, every
                question gets a span.
            precision: of an encoder's matrix products; None: by the device and the amount of text.
        """
        reader = self._need_reader()
        if isinstance(reader, TextReader):
            return reader
        threshold = (self._threshold or 0.0) if null_answers else None
        return SpanReader(
            reader.network,
            self.vocabulary,
            reader.config,
            threshold=threshold,
            precision=precision,
        )

    def _make_reader(self, threshold: float | None) -> SpanReader | TextReader | None:
        network, config = self.network, self.config
        if isinstance(network, T5 | DecoderOnlyT5):
            sizes = TextConfig.check(self.extra.get("text", {}), f"{self.name}/{EXTRA}: text")
            return TextReader(
                TextWriter(network, self.vocabulary),
                to_text=_task(self.extra, self.name).to_text,
                max_inputs=sizes.max_inputs,
                decoding=DecodingConfig(max_length=sizes.max_targets),
            )
        if not isinstance(network, Headed) or not isinstance(network.head, SpanHead):
            return None
        assert isinstance(config, BertConfig)
        spans = SpanConfig.check(self.extra.get("spans", {}), f"{self.name}/{EXTRA}: spans")
        return SpanReader(
            network, self.vocabulary, spans.fitting(config.longest), threshold=threshold
        )

    def _need_reader(self) -> SpanReader | TextReader:
        if self._continuer is not None:
            raise UserError(
                f"{self.name} is a GPT, which goes on with a text and does not answer from one; "
                "give it no context, or take a BERT or a T5"
            )
        if isinstance(self.config, CBOWConfig | ELMoConfig):
            raise UserError(
                f"{self.name} is a {type(self.network).__name__}, which gives vectors of words and "
                "answers nothing; take a BERT or a T5"
            )
        if self._reader is None:
            raise UserError(
                f"{self.name} has no layer for questions on a text; train one: headwater finetune "
                f"--model {self.name} --task squad --data FILE"
            )
        return self._reader


def _task(extra: Mapping[str, Any], name: str) -> Task[SpanExample]:
    """Return the task that the model was trained on, which says how a question is put to it."""
    trained = extra.get("task", SQUAD_V2.name)
    if not isinstance(trained, str):
        raise UserError(f"{name}/{EXTRA}: task must be a name, not {trained!r:.40}")
    try:
        return find_task(trained)
    except UserError as error:
        raise UserError(f"{name}/{EXTRA}: {error}") from None


def _threshold(extra: Mapping[str, Any], name: str) -> float | None:
    value = extra.get("no_answer_threshold")
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value):
        raise UserError(f"{name}/{EXTRA}: no_answer_threshold must be a number, not {value!r:.40}")
    return float(value)
