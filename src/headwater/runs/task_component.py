"""A task that a run learns: its examples as features, and its official metrics."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from headwater.data.convert import EncodedPairs, FeatureSet, encode_text_pairs
from headwater.data.example import Examples
from headwater.data.preparation import PreparedData
from headwater.data.task import Task
from headwater.device import choose_device, choose_precision
from headwater.distributed.processes import Processes
from headwater.errors import UserError, counted
from headwater.evaluation.evaluator import evaluate, predict
from headwater.inference.answer import Predictor
from headwater.inference.loaded import LoadedModel
from headwater.inference.no_answer import calibrate
from headwater.models.config import ModelConfig, TaskHead
from headwater.models.families import sizes_of
from headwater.runs.early_checks import metrics_of
from headwater.runs.embedding import embedding_head
from headwater.runs.recipe import Recipe
from headwater.runs.setup import Setup
from headwater.tasks.pair_features import PairFeatures, encode_pairs
from headwater.tasks.retrieval_features import RetrievalFeatures, encode_retrieval
from headwater.tasks.tag_features import TagFeatures, encode_tags
from headwater.tasks.windows import SpanWindows, build_windows
from headwater.text.framing import framing_of

logger = logging.getLogger(__name__)


@final
@dataclass(frozen=True, slots=True)
class TaskComponent:
    """A task and its examples."""

    task: Task[Any]
    data: PreparedData
    scored: bool = True
    validation_rows: int | None = None

    @property
    def name(self) -> str:
        return self.task.name

    @property
    def kind(self) -> str:
        return self.task.kind

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the training examples."""
        return self.data.training.fingerprint

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The task's metrics, where there are validation examples."""
        if self.data.validation is None:
            return ()
        return metrics_of(self.task)

    @property
    def has_pairs(self) -> bool:
        """Whether some sentences come in pairs."""
        pairs = self.task.kind in ("sequence", "multi_label", "regression")
        return pairs and any(each.text_b is not None for each in self.data.training)

    def head(self) -> TaskHead:
        """Return the head for its kind; there is none for text that is written."""
        assert self.task.kind != "text"
        return TaskHead(self.task.kind, self.task.head_labels(self.data.training))

    def check(self, config: ModelConfig) -> None:
        """Refuse nothing: examples are cut to what a model can read."""

    def features(self, recipe: Recipe, setup: Setup) -> FeatureSet:
        """Convert the training examples: features for a head, or pairs of texts."""
        if setup.writes_text:
            return self._text_pairs(recipe, setup)
        features = self._head_features(self.data.training, recipe, setup, labelled=True)
        if isinstance(features, TagFeatures) and features.continued:
            long = "sentences that go on in a second sequence"
            logger.info("%s: %s: %s", self.name, long, features.continued)
        if isinstance(features, PairFeatures | RetrievalFeatures) and features.cut:
            logger.info("%s: inputs cut to sequence.max_length: %s", self.name, features.cut)
        return features

    def validation_features(self, recipe: Recipe, setup: Setup) -> FeatureSet | None:
        examples = self.data.validation
        if examples is None:
            return None
        return self._head_features(examples, recipe, setup, labelled=False)

    def validation_fingerprint(self, recipe: Recipe, setup: Setup) -> str | None:
        """SHA-256 of the validation examples."""
        return None if self.data.validation is None else self.data.validation.fingerprint

    def size(self, features: FeatureSet, setup: Setup) -> int:
        """Count examples that train; for a head, a long one gives several features."""
        return len(features) if setup.writes_text else len(self.data.training)

    def evaluate(self, recipe: Recipe, setup: Setup, processes: Processes) -> Mapping[str, float]:
        """Score the model on the validation examples, in percent."""
        assert self.data.validation is not None
        predictor = self._predictor(recipe, setup)
        examples = self.data.validation
        metrics = evaluate(predictor, self.task, examples, processes=processes).metrics
        return {name: metrics[name] for name in self.metric_names if name in metrics}

    def saved(self, recipe: Recipe, setup: Setup) -> dict[str, Any]:
        """Return the task with the lengths it was learned at, and its no-answer threshold."""
        if setup.writes_text:
            return {"task": self.name, "text": recipe.text.model_dump()}
        spans = recipe.spans.model_dump(exclude_none=True)
        saved: dict[str, Any] = {
            "task": self.name,
            "spans": spans,
            "sequence": recipe.sequence.model_dump(),
        }
        if self.task.kind == "span" and self.task.null_answers:
            saved["no_answer_threshold"] = self._no_answer_threshold(recipe, setup)
        return saved

    def _head_features(
        self, examples: Examples[Any], recipe: Recipe, setup: Setup, *, labelled: bool
    ) -> SpanWindows | TagFeatures | PairFeatures | RetrievalFeatures:
        vocabulary, layout = setup.vocabulary, setup.layout
        if self.task.kind == "embedding":
            asked = embedding_head(setup.model).config.asked
            return encode_retrieval(vocabulary, list(examples), recipe.sequence, asked, layout)
        if self.task.kind == "span":
            return build_windows(
                vocabulary, examples, recipe.spans, labelled=labelled, layout=layout
            )
        labels = self.head().labels
        given = (vocabulary, examples, recipe.sequence, labels)
        if self.task.kind == "token":
            return encode_tags(*given, labelled=labelled, layout=layout)
        several = self.task.kind == "multi_label"
        return encode_pairs(*given, labelled=labelled, layout=layout, several=several)

    def _text_pairs(self, recipe: Recipe, setup: Setup) -> EncodedPairs:
        texts = [self.task.to_text(example) for example in self.data.training]
        targeted = [each for each in texts if each.targets]
        if missing := len(texts) - len(targeted):  # as Winograd schemas with the wrong noun
            logger.info("%s: examples without a target, left out: %s", self.name, missing)
        if not targeted:
            raise UserError(f"task {self.name}: no example has a target to learn")
        limits = recipe.text
        framing = framing_of(setup.vocabulary, *sizes_of(setup.model.config).framed)
        pairs = encode_text_pairs(
            setup.vocabulary, targeted, limits.max_inputs, limits.max_targets, framing=framing
        )
        if any(pairs.cut):
            cut = ", ".join(map(counted, pairs.cut, ("input", "target")))
            logger.info("%s: cut to text.max_inputs and max_targets: %s", self.name, cut)
        if pairs.unknown:
            logger.warning("%s: %s", self.name, pairs.unknown)
        return pairs

    def _no_answer_threshold(self, recipe: Recipe, setup: Setup) -> float:
        """Calibrate "no answer" on validation questions without an answer; 0 where none are."""
        examples = self.data.validation
        if examples is None or not any(each.impossible for each in examples):
            return 0.0
        found = predict(self._predictor(recipe, setup), examples)
        return calibrate(examples, found.margins, found.best_spans)

    def _predictor(self, recipe: Recipe, setup: Setup) -> Predictor[Any]:
        lengths = {
            name: getattr(recipe, name).model_dump() for name in ("spans", "sequence", "text")
        }
        loaded = LoadedModel(
            *(setup.model, setup.vocabulary, setup.model.config, lengths),
            generation=setup.generation,
        )
        device = choose_device(recipe.training.device)
        precision = choose_precision(recipe.training.precision, device)
        return loaded.predictor(self.task, precision=precision)
