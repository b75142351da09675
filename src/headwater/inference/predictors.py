"""Which predictor a model gets for a task: by what its family does, by its head and its labels."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, final

import torch

from headwater.checkpoints.hub import resolve
from headwater.checkpoints.parts import EXTRA, read_adaptation
from headwater.config import Config
from headwater.data.config import SequenceConfig, SpanConfig, TextConfig
from headwater.data.example import SpanExample
from headwater.errors import UserError, listed
from headwater.inference.answer import Predictor, Reader
from headwater.inference.causal_generator import CausalGenerator
from headwater.inference.extractive_reader import ExtractiveReader
from headwater.inference.generation_config import GenerationConfig, laid_over
from headwater.inference.generative_reader import GenerativeReader
from headwater.inference.label_names import by_order
from headwater.inference.label_predictors import Activation, Classifier, LabelScorer, Tagger
from headwater.inference.temperatures import Temperatures
from headwater.inference.text_generator import TaskGenerator, TextGenerator
from headwater.inference.verbs import VERBS, Name, unfit, what_it_does
from headwater.models.body import GeneratingBody, WordBody
from headwater.models.build import Model
from headwater.models.config import CHOOSING, HeadName, ModelConfig
from headwater.models.families import family_of, kind_of, sizes_of
from headwater.models.feature_model import FeatureModel
from headwater.models.heads import ModelWithHead
from headwater.models.multi_task import MultiTask
from headwater.models.text_to_text import TextToText
from headwater.text.sequence_layout import SequenceLayout, layout_for
from headwater.text.special_tokens import sentinel_ids
from headwater.text.vocabulary import Vocabulary

if TYPE_CHECKING:  # tasks bring all metrics; the others are for one verb each
    from headwater.data.task import Task
    from headwater.inference.embedder import Embedder
    from headwater.inference.entities import Aggregation, EntityTagger
    from headwater.inference.gaps import Filler
    from headwater.inference.passage_reader import PassageReader

ConfigT = TypeVar("ConfigT", bound=Config)
LONGEST = 512  # tokens of a model that says nothing: the positions of BERT
Writer = TextGenerator | CausalGenerator


@final
class Predictors:
    """Builds the predictors of one model.

    Args:
        extra: what traveled with the model (headwater.json): lengths as in training, a threshold.
        name: what the model was loaded by; messages begin with it.
        folder: where its files lie, if it was loaded.
    """

    def __init__(
        self,
        network: Model,
        vocabulary: Vocabulary,
        config: ModelConfig,
        extra: Mapping[str, Any],
        name: str,
        generation: Mapping[str, Any],
        precision: torch.dtype | None = None,
        folder: Path | None = None,
    ) -> None:
        self._network, self._vocabulary, self._config = network, vocabulary, config
        self._folder = folder
        self._extra, self._name, self._generation = extra, name, generation
        self._precision = precision
        self._threshold = _no_answer_threshold(extra, name)

    def for_task(
        self,
        task: "Task[Any]",
        precision: torch.dtype | None = None,
        options: Mapping[str, Any] = MappingProxyType({}),
    ) -> Predictor[Any]:
        """Return what predicts a task's examples; see `LoadedModel.predictor`."""
        network, precision = self._network, precision or self._precision
        if task.kind == "embedding":
            from headwater.inference.retriever import Retriever

            return Retriever(self.embedder(precision))
        if isinstance(network, TextToText):
            return self._generating(task, network, options, precision)
        self._refuse_headless()
        if isinstance(network, MultiTask) and task.name not in network.names:
            known = listed(network.names)
            raise UserError(f"{self._name} has no head for task {task.name}; it has {known}")
        one = self._heads[task.name] if isinstance(network, MultiTask) else network
        return self._on_head(one, one.labels, task, precision)

    def reader(self) -> Reader | None:
        """Return what answers questions, if anything does; of several heads the first for spans."""
        match self._network:
            case TextToText() as network:
                task = self._question_task()
                return self._generating_reader(task, network, {}, self._precision)
            case GeneratingBody() as network:
                return self._continuing(network)
        head = next((each for each in self._heads.values() if each.head_name == "span"), None)
        return None if head is None else self._span_reader(head, self._threshold, self._precision)

    def passage_reader(self, rank_weight: float | None, threshold: float | None) -> "PassageReader":
        """Return what answers from passages; see `LoadedModel.passage_reader`."""
        from headwater.inference.passage_reader import RANK_WEIGHT, SpanPassageReader
        from headwater.inference.writing_passage_reader import WritingPassageReader

        weight = RANK_WEIGHT if rank_weight is None else rank_weight
        match self.reader():
            case ExtractiveReader() as reader:
                threshold = self._threshold if threshold is None else threshold
                return SpanPassageReader(reader, weight, threshold)
            case GenerativeReader() as reader:
                if threshold is not None:
                    raise UserError(
                        f"{self._name} writes answers; a no-answer threshold is for a model that "
                        "finds them in a text"
                    )
                return WritingPassageReader(reader, weight)
        raise self.unfit("ask")

    def writer(self) -> Writer:
        """Return what writes texts."""
        match self._network:
            case TextToText() as network:
                return TextGenerator(network, self._vocabulary, precision=self._precision)
            case GeneratingBody() as network:
                return self._continuing(network)
        raise self.unfit("generate")

    def _continuing(self, network: GeneratingBody) -> CausalGenerator:
        decoding, precision = self.decoding({}), self._precision
        return CausalGenerator(network, self._vocabulary, decoding, precision=precision)

    def decoding(self, given: Mapping[str, Any]) -> GenerationConfig:
        """Return the options of `generate`: those that are given, over those of the model."""
        return laid_over(self._generation, given, "generate", self._config.vocab_size)

    def classifier(
        self, task: str | None = None, activation: Activation | None = None
    ) -> Classifier:
        """Return what chooses labels or gives a number, by the head of `task`.

        Args:
            activation: from logits to what is given; None: by the head.
        """
        head = self._head("classify", task)
        usual: Activation = "sigmoid" if head.head_name == "multi_label" else "softmax"
        return Classifier(self._scorer(head), activation=activation or usual)

    def tagger(self, aggregation: "Aggregation", task: str | None = None) -> "EntityTagger":
        """Return what finds entities, by the head of `task`."""
        from headwater.inference.entities import EntityTagger

        return EntityTagger(self._scorer(self._head("tag", task)), aggregation)

    def filler(self) -> "Filler":
        """Return what fills gaps."""
        from headwater.inference.mask_fillers import MaskFiller, WordFiller
        from headwater.inference.span_filler import SpanFiller

        match self._network:
            case TextToText() as network:
                start = self.decoding({}).decoder_start_token_id
                return SpanFiller(network, self._vocabulary, start, self._precision)
            case WordBody() as network:
                return WordFiller(network, self._vocabulary)
        longest = sizes_of(self._config).longest_input
        head = self._head("fill", None)
        return MaskFiller(head, self._vocabulary, self._layout, longest, self._precision)

    def embedder(self, precision: torch.dtype | None = None) -> "Embedder":
        """Return what gives vectors of texts."""
        from headwater.inference.embedder import Embedder

        exact = precision or self._precision or torch.float32
        return Embedder(self._embedding_network, self._vocabulary, self._layout, exact)

    @cached_property
    def _embedding_network(self) -> ModelWithHead:
        from headwater.inference.embedder import embedding_network

        return embedding_network(self._network, self._name, self._folder)

    def unfit(self, verb: Name) -> UserError:
        """Return the error for what this model cannot do, with what it can."""
        sentinels = bool(sentinel_ids(self._vocabulary))
        return unfit(self._name, self._body_name, self._config, self.kinds, verb, sentinels)

    @property
    def kinds(self) -> tuple[HeadName, ...]:
        """The kinds of the heads, each once; none of a model without one."""
        return tuple(
            dict.fromkeys(each.head_name for each in self._heads.values() if each.head_name)
        )

    @cached_property
    def _heads(self) -> dict[str, Model]:
        """The network with each of its heads, by task; with the only one under ""."""
        network = self._network
        if isinstance(network, MultiTask):
            return {name: network.for_task(name) for name in network.names}
        return {} if network.head_name is None else {"": network}

    def _head(self, verb: Name, task: str | None) -> Model:
        """Return the network with the head that a verb asks: that of `task`, or the only one.

        Of several that could it is that of the model's default task.
        """
        heads = self._heads
        if task is not None and task not in heads:
            known = listed(heads) or "one head at most, without a name"
            raise UserError(f"{self._name} has no head for task {task}; it has {known}")
        asked = heads if task is None else {task: heads[task]}
        fitting = {n: head for n, head in asked.items() if head.head_name in VERBS[verb].heads}
        if not fitting:
            raise self.unfit(verb)
        if len(fitting) == 1:
            return next(iter(fitting.values()))
        default = self._extra.get("default_task")
        if not isinstance(default, str) or default not in fitting:
            names = listed(fitting)
            raise UserError(f"{self._name} has several heads to {verb} with; name a task: {names}")
        return fitting[default]

    def _generating(
        self,
        task: "Task[Any]",
        network: TextToText,
        options: Mapping[str, Any],
        precision: torch.dtype | None,
    ) -> Predictor[Any]:
        if task.kind == "span":
            return self._generating_reader(task, network, options, precision)
        generator = TextGenerator(network, self._vocabulary, precision=precision)
        return TaskGenerator(generator, task, **self._written(options))

    def _generating_reader(
        self,
        task: "Task[Any]",
        network: TextToText,
        options: Mapping[str, Any],
        precision: torch.dtype | None,
    ) -> GenerativeReader:
        """Return what answers with texts; contexts that are too long are read in windows."""
        generator = TextGenerator(network, self._vocabulary, precision=precision)
        return GenerativeReader(generator, self.read_as(task), **self._written(options))

    def read_as(self, task: "Task[Any]") -> "Task[Any]":
        """Return a task as this model was trained to read it."""
        pads = self._saved("text", TextConfig).pad_punctuation
        return task.padded() if pads and task.kind == "span" else task

    def _written(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """How long inputs and targets are, as in training, and how it writes."""
        most = sizes_of(self._config)
        sizes = self._saved("text", TextConfig).fitting(
            most.longest_input, most.longest_target, together=most.one_stack
        )
        file = {"max_new_tokens": sizes.max_targets, **self._generation}
        decoding = laid_over(file, options, self._name, self._config.vocab_size)
        return {"max_inputs": sizes.max_inputs, "decoding": decoding}

    def _on_head(
        self, head: Model, labels: Sequence[str], task: "Task[Any]", precision: torch.dtype | None
    ) -> Predictor[Any]:
        kind = head.head_name
        if kind == task.kind and kind in CHOOSING:
            labels = by_order(labels, task, self._name)
        self._check_head(kind, labels, task)
        if kind == "span":
            threshold = (self._threshold or 0.0) if task.null_answers else None
            return self._span_reader(head, threshold, precision)
        scorer = self._scorer(head, labels, precision)
        if kind == "token":
            return Tagger(scorer)
        return Classifier(scorer, activation="sigmoid" if kind == "multi_label" else "softmax")

    def _scorer(
        self,
        head: Model,
        labels: Sequence[str] | None = None,
        precision: torch.dtype | None = None,
    ) -> LabelScorer:
        return LabelScorer(
            head,
            self._vocabulary,
            () if head.head_name == "regression" else tuple(labels or head.labels),
            self._lengths(),
            precision=precision or self._precision,
            layout=self._layout,
        )

    def _check_head(self, kind: str | None, labels: Sequence[str], task: "Task[Any]") -> None:
        if kind is None or kind != task.kind:
            has = "no head" if kind is None else f"a head of kind {kind}"
            if task.kind == "text":
                raise UserError(
                    f"{self._name} has {has}, and task {task.name} needs a model that writes, such "
                    "as `writer` or a T5"
                )
            raise UserError(
                f"{self._name} has {has}, and task {task.name} needs one of kind {task.kind}; "
                f"train it: headwater finetune --model {self._body_name} --task {task.name} "
                "--data FILE"
            )
        chosen = kind in CHOOSING
        if chosen and task.labels and sorted(task.labels) != sorted(labels):
            raise UserError(
                f"{self._name} chooses from {listed(labels)}; task {task.name} has "
                f"{listed(task.labels)} (names are those of id2label in config.json; "
                "--label-names gives others, in the order of the outputs)"
            )

    def _span_reader(
        self, head: Model, threshold: float | None, precision: torch.dtype | None
    ) -> ExtractiveReader:
        return ExtractiveReader(
            head,
            self._vocabulary,
            self._saved("spans", SpanConfig).fitting(sizes_of(self._config).longest_input),
            threshold=threshold,
            temperatures=self._saved("temperatures", Temperatures),
            precision=precision,
            layout=self._layout,
        )

    def _lengths(self) -> SequenceConfig:
        """Return how long inputs were in training; of another's model, as long as it reads."""
        found = self._saved("sequence", SequenceConfig)
        if "sequence" not in self._extra:
            found = SequenceConfig(max_length=LONGEST)
        return found.fitting(sizes_of(self._config).longest_input)

    def _saved(self, key: str, config: type[ConfigT]) -> ConfigT:
        """Return the settings under a key of headwater.json: those of training."""
        return config.check(self._extra.get(key, {}), f"{self._name}/{EXTRA}: {key}")

    @property
    def _layout(self) -> SequenceLayout:
        encoder = kind_of(self._config) == "encoder"
        features = isinstance(self._network, FeatureModel)
        return layout_for(self._vocabulary, encoder=encoder, features=features)

    @property
    def _body_name(self) -> str:
        """What to train on from: of what was saved without its body, that body."""
        try:
            found = read_adaptation(resolve(self._name))
        except UserError:  # it was not loaded by a name
            return self._name
        return self._name if found is None else found.base.name

    def _refuse_headless(self) -> None:
        """Refuse bodies that were trained on text alone; of an encoder its head is looked at."""
        if self._heads or kind_of(self._config) == "encoder":
            return
        does = what_it_does(self._config)
        fix = "take a BERT or a T5"
        if family_of(self._config).takes_heads:
            fix = f"train it: headwater finetune --model {self._body_name} --task TASK --data FILE"
        raise UserError(f"{self._name} {does} and does no task; {fix}")

    def _question_task(self) -> "Task[SpanExample]":
        """Return the task by which a T5 was trained to read questions.

        After any task but one of questions on a text, or after one of the user's own, it is SQuAD.
        """
        from headwater.tasks.names import TASKS  # only a T5 needs the list of tasks

        trained = self._extra.get("task", "squad_v2")
        if not isinstance(trained, str):
            raise UserError(f"{self._name}/{EXTRA}: task must be a name, not {trained!r:.40}")
        found = TASKS.get(trained)
        return TASKS["squad_v2"] if found is None or found.kind != "span" else found


def _no_answer_threshold(extra: Mapping[str, Any], name: str) -> float | None:
    value = extra.get("no_answer_threshold")
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value):
        raise UserError(f"{name}/{EXTRA}: no_answer_threshold must be a number, not {value!r:.40}")
    return float(value)
