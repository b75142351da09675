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

from headwater.checkpoints.adaptation import BASE, read_adaptation, weight_sums
from headwater.checkpoints.adapted import open_model, put_on
from headwater.checkpoints.folder import read_extra
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.parts import EXTRA
from headwater.data.config import TextConfig
from headwater.data.example import SpanExample
from headwater.data.task import Task
from headwater.device import choose_device
from headwater.errors import UserError, with_article
from headwater.inference.answer import Answer, Predictor
from headwater.inference.causal_generator import CausalGenerator
from headwater.inference.classifier import Classifier
from headwater.inference.extractive_reader import ExtractiveReader
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.generative_reader import GenerativeReader
from headwater.inference.label_scorer import LabelScorer
from headwater.inference.sequence_layout import layout_for
from headwater.inference.tagger import Tagger
from headwater.inference.task_generator import TaskGenerator
from headwater.inference.text_generator import TextGenerator
from headwater.models.body import GeneratingBody
from headwater.models.build import Model
from headwater.models.config import ModelConfig, label_names
from headwater.models.families import family_of, sizes_of
from headwater.models.feature_model import FeatureModel
from headwater.models.multi_task import MultiTask
from headwater.models.text_to_text import TextToText
from headwater.tasks.config import SequenceConfig, SpanConfig
from headwater.tasks.field_order import reorder
from headwater.tasks.names import TASKS
from headwater.tasks.squad import SQUAD_V2
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary, check_fits


def load(model: str | Path, device: str = "auto") -> "LoadedModel":
    """Load a model by folder, run folder, bundled name or hub id.

    Raises:
        UserError: there is no such model or device, or the folder is broken.
    """
    folder = resolve(str(model))
    target = choose_device(device)
    checkpoint = open_model(folder)
    vocabulary = load_vocabulary(folder)
    check_fits(vocabulary, checkpoint.config.vocab_size, str(folder))
    network = checkpoint.model.to(target)
    return LoadedModel(network, vocabulary, checkpoint.config, read_extra(folder), str(model))


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
        self._threshold = _threshold(self.extra, name)
        self._reader = self._make_reader()
        self._continuer = self._make_continuer()

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
        if isinstance(reader, GenerativeReader):
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
        """Generate texts for each input text; of a GPT, what each goes on with.

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
        elif self._continuer is not None:
            found = self._continuer.generate(texts, config)
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

        Raises:
            UserError: it is a whole model, or was trained on another body.
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
        checkpoint = put_on(self.network, folder, found)
        vocabulary = load_vocabulary(folder)
        check_fits(vocabulary, checkpoint.config.vocab_size, str(folder))
        return LoadedModel(
            checkpoint.model, vocabulary, checkpoint.config, read_extra(folder), str(model)
        )

    @property
    def objective(self) -> str | None:
        """The objective it was pre-trained by, if it was adapted to no task since."""
        found = self.extra.get("objective")
        return None if found is None else str(found)

    @property
    def writes(self) -> bool:
        """Whether answers are written, without places and without no-answer probabilities."""
        return isinstance(self._reader, GenerativeReader)

    def predictor(self, task: Task[Any], *, precision: torch.dtype | None = None) -> Predictor[Any]:
        """Return what predicts a task's examples.

        A T5 writes whatever the task is; an encoder's head must be of the task's kind and choose
        from its labels, in whatever order. A model of several tasks takes the head of that name.

        Args:
            precision: of an encoder's matrix products; None: by the device and the amount of text.

        Raises:
            UserError: this model is none for the task.
        """
        network = self.network
        if isinstance(network, TextToText):
            return self._task_writer(task, network)
        self._refuse_headless()
        if isinstance(network, FeatureModel):
            return self._on_head(network, network.labels, task, precision)
        if not isinstance(network, MultiTask):
            return self._on_head(network, label_names(self.config), task, precision)
        if task.name not in network.names:
            known = ", ".join(network.names)
            raise UserError(f"{self.name} has no head for task {task.name}; it has {known}")
        return self._on_head(network.one(task.name), network.labels[task.name], task, precision)

    def _task_writer(self, task: Task[Any], network: TextToText) -> Predictor[Any]:
        generator, (longest, decoding) = TextGenerator(network, self.vocabulary), self._text_sizes()
        if task.kind == "span":  # contexts that are too long are read in windows
            return GenerativeReader(
                generator, to_text=task.to_text, max_inputs=longest, decoding=decoding
            )
        return TaskGenerator(generator, task, max_inputs=longest, decoding=decoding)

    def _on_head(
        self, head: Model, labels: Sequence[str], task: Task[Any], precision: torch.dtype | None
    ) -> Predictor[Any]:
        kind = head.head_name
        if kind is None or kind != task.kind:
            has = "no head" if kind is None else f"a head of kind {kind}"
            if task.kind == "text":
                raise UserError(f"{self.name} has {has}; task {task.name} is one for a T5")
            raise UserError(
                f"{self.name} has {has}, and task {task.name} needs one of kind {task.kind}; train "
                f"it: headwater finetune --model {self._body} --task {task.name} --data FILE"
            )
        if kind == "span":
            threshold = (self._threshold or 0.0) if task.null_answers else None
            return self._span_reader(head, threshold, precision)
        if kind != "regression" and task.labels and sorted(task.labels) != sorted(labels):
            raise UserError(
                f"{self.name} chooses from {', '.join(labels)}; task {task.name} has "
                f"{', '.join(task.labels)} (names are those of id2label in config.json)"
            )
        sequence = SequenceConfig.check(
            self.extra.get("sequence", {}), f"{self.name}/{EXTRA}: sequence"
        ).fitting(sizes_of(self.config).longest_input)
        chosen_from = () if kind == "regression" else tuple(labels)
        layout = layout_for(self.network, self.vocabulary)
        labeller = LabelScorer(
            head, self.vocabulary, chosen_from, sequence, precision=precision, layout=layout
        )
        return Tagger(labeller) if kind == "token" else Classifier(labeller)

    def _text_sizes(self) -> tuple[int, GenerationConfig]:
        """Return the most tokens that a T5 reads, and how it writes: as in training."""
        sizes = TextConfig.check(self.extra.get("text", {}), f"{self.name}/{EXTRA}: text")
        return sizes.max_inputs, GenerationConfig(max_new_tokens=sizes.max_targets)

    def _span_reader(
        self, network: nn.Module, threshold: float | None, precision: torch.dtype | None = None
    ) -> ExtractiveReader:
        spans = SpanConfig.check(self.extra.get("spans", {}), f"{self.name}/{EXTRA}: spans")
        return ExtractiveReader(
            network,
            self.vocabulary,
            spans.fitting(sizes_of(self.config).longest_input),
            threshold=threshold,
            precision=precision,
            layout=layout_for(self.network, self.vocabulary),
        )

    def _make_continuer(self) -> CausalGenerator | None:
        """Return what continues a text, of a model that does nothing else."""
        network = self.network
        if family_of(self.config).kind != "causal_lm" or not isinstance(network, GeneratingBody):
            return None
        return CausalGenerator(network, self.vocabulary)

    def _make_reader(self) -> ExtractiveReader | GenerativeReader | None:
        """Return what answers questions; of several heads the first that finds spans."""
        network = self.network
        if isinstance(network, TextToText):
            reader = self._task_writer(_question_task(self.extra, self.name), network)
            assert isinstance(reader, GenerativeReader)
            return reader
        heads: list[Model] = [network]
        if isinstance(network, MultiTask):
            heads = [network.one(name) for name in network.names]
        finders = [each for each in heads if each.head_name == "span"]
        return self._span_reader(finders[0], self._threshold) if finders else None

    def _need_reader(self) -> ExtractiveReader | GenerativeReader:
        self._refuse_headless()
        if self._reader is None:
            raise UserError(
                f"{self.name} has no layer for questions on a text; train one: headwater finetune "
                f"--model {self._body} --task squad --data FILE"
            )
        return self._reader

    @property
    def _body(self) -> str:
        """What to train on from: of what was saved without its body, that body."""
        try:
            found = read_adaptation(resolve(self.name))
        except UserError:  # it was not loaded by a name
            return self.name
        return self.name if found is None else found.base.name

    def _refuse_headless(self) -> None:
        """Refuse the families that take no heads and do not read tasks as text."""
        if isinstance(self.network, FeatureModel):
            return
        if self._continuer is not None:
            raise UserError(
                f"{self.name} is a GPT, which goes on with a text and does not answer from one; "
                "give it no context, or take a BERT or a T5"
            )
        family = family_of(self.config)
        if family.kind == "word_vectors":
            raise UserError(
                f"{self.name} is {with_article(family.title)}, which gives vectors "
                "of words and answers nothing; take a BERT or a T5"
            )


def _question_task(extra: Mapping[str, Any], name: str) -> Task[SpanExample]:
    """Return the task that says how a question is put to the model: the one it was trained on.

    After any other task than one of questions on a text, or one of the user's own, it is SQuAD.
    """
    trained = extra.get("task", SQUAD_V2.name)
    if not isinstance(trained, str):
        raise UserError(f"{name}/{EXTRA}: task must be a name, not {trained!r:.40}")
    found = TASKS.get(trained, SQUAD_V2)
    return found if found.kind == "span" else SQUAD_V2


def _threshold(extra: Mapping[str, Any], name: str) -> float | None:
    value = extra.get("no_answer_threshold")
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value):
        raise UserError(f"{name}/{EXTRA}: no_answer_threshold must be a number, not {value!r:.40}")
    return float(value)
