"""A model ready to be asked: what `headwater.load` returns.

model = load("reader")
model.answer("Who wrote it?", "It was written by Ada.")[0].text        # Ada
load("path/to/t5").generate(["translate English to German: good"])
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final, overload

import torch

from headwater.arguments import (
    check_count,
    check_filled,
    check_name,
    check_seconds,
    check_several,
    check_text,
    check_texts,
)
from headwater.checkpoints.adapted import open_model, put_on
from headwater.checkpoints.folder import read_extra
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.parts import BASE, read_adaptation, weight_sums
from headwater.checkpoints.vocabularies import vocabulary_of
from headwater.data.example import PairExample, SpanExample
from headwater.device import choose_device
from headwater.engines.folder import EngineFile, open_export
from headwater.errors import UserError
from headwater.inference.answer import Answer, Predictor, Reader
from headwater.inference.generation_file import read_generation
from headwater.inference.label_names import name_labels
from headwater.inference.predictors import Predictors
from headwater.inference.running import choose_products
from headwater.inference.span_limits import with_limits
from headwater.inference.text_labels import Label, ranked
from headwater.models.build import Model
from headwater.models.config import ModelConfig
from headwater.models.families import kind_of
from headwater.models.text_to_text import TextToText
from headwater.paths import real
from headwater.tasks.field_order import reorder
from headwater.text.vocabulary import Vocabulary, check_fits

if TYPE_CHECKING:  # tasks bring all metrics; the others are for one verb each
    from headwater.data.task import Task
    from headwater.inference.embedder import Vectors
    from headwater.inference.entities import Aggregation, Entity
    from headwater.inference.gaps import Filling
    from headwater.inference.passage_reader import PassageReader
    from headwater.inference.token_stream import TokenStream

Texts = list[str] | tuple[str, ...]


def load(
    model: str | Path,
    device: str = "auto",
    *,
    precision: str = "auto",
    pad_punctuation: bool | None = None,
    label_names: Sequence[str] | None = None,
    no_answer_threshold: float | None = None,
    max_answer_length: int | None = None,
) -> "LoadedModel":
    """Load a model by folder, run folder, bundled name or hub id.

    Args:
        model: the folder or the name.
        device: auto (CUDA, then MPS, then the CPU), cpu, cuda, cuda:N or mps.
        precision: of the matrix products: fp32, bf16, or auto: bf16 where that is quicker.
        pad_punctuation: of a T5, whether it reads questions with spaces around punctuation, as the
            published ones do; None: as it was trained here.
        label_names: of a classifier or a tagger, in the order of its outputs; None: as in
            config.json.
        no_answer_threshold: of a model that finds spans: it abstains when the score of "no answer"
            is better than that of the best span by more; None: as it was chosen in training.
        max_answer_length: of such a model, the most tokens of an answer; None: as in training.
    """
    model = check_name(model, "model")
    folder = resolve(model)
    check_text(device, "device")
    check_text(precision, "precision")
    if (exported := EngineFile.find(folder)) is not None:
        network, products = open_export(folder, exported, device, precision), None
    else:
        target = choose_device(device)
        products = choose_products(precision, target)
        network = open_model(folder).model.to(target)
    if label_names is not None:
        given = check_several(label_names, "label_names", "a list of names")
        names = [check_text(name, "label_names") for name in given]
        name_labels(network, names, model)
    limits = no_answer_threshold, max_answer_length
    return _loaded(network, folder, model, products, pad_punctuation, limits)


def _loaded(
    network: Model,
    folder: Path,
    name: str,
    precision: torch.dtype | None,
    pad_punctuation: bool | None = None,
    limits: tuple[float | None, int | None] = (None, None),
) -> "LoadedModel":
    vocabulary, config = vocabulary_of(folder), network.config
    check_fits(vocabulary, config.vocab_size, str(folder))
    extra = with_limits(read_extra(folder), network, name, *limits)
    if pad_punctuation is not None:
        if kind_of(config) != "text_to_text":
            raise UserError(f"{name}: pad_punctuation is for models that write, such as a T5")
        saved = extra.get("text")
        text = saved if isinstance(saved, dict) else {}
        extra |= {"text": {**text, "pad_punctuation": pad_punctuation}}
    generation = read_generation(folder, config)
    given = (network, vocabulary, config, extra, name, generation, precision)
    return LoadedModel(*given, real(folder))


@final
class LoadedModel:
    """A network with its vocabulary. Its methods may be called from many threads at once.

    network: in eval mode.
    vocabulary: text to token ids.
    config: the sizes.
    extra: what else traveled with the model (headwater.json).
    name: what it was loaded by.
    generation: how it is to write (generation_config.json).
    precision: of its matrix products; None: see `inference.running`.
    folder: where its files lie, if it was loaded.
    predictors: what builds the predictors that its methods ask.
    """

    def __init__(
        self,
        network: Model,
        vocabulary: Vocabulary,
        config: ModelConfig,
        extra: Mapping[str, Any] | None = None,
        name: str = "this model",
        generation: Mapping[str, Any] | None = None,
        precision: torch.dtype | None = None,
        folder: Path | None = None,
    ) -> None:
        self.network, self.vocabulary, self.config = network, vocabulary, config
        self.extra = dict(extra or {})
        self.name, self.generation = name, dict(generation or {})
        self.precision, self.folder = precision, folder
        self.predictors = Predictors(
            *(network, vocabulary, config, self.extra, name, self.generation, precision, folder)
        )
        self._reader = self.predictors.reader()

    def answer(
        self, question: str, context: str | Mapping[str, str] | None = None, top_k: int = 1
    ) -> list[Answer]:
        """Answer a question, the best answer first; a GPT continues the text instead.

        Args:
            question: one question, or for a GPT any prompt.
            context: the text that holds the answer, of any length; or several texts by name, which
                are taken one by one; None asks a T5 for what it knows.
            top_k: how many answers; fewer come back when there are no more that are more than
                punctuation, or that have a score of 0.0005 or more.
        """
        check_text(question, "question")
        if context is not None and not isinstance(context, Mapping):
            check_text(context, "context")
        return self._questions().ask(question, context, top_k)

    def answer_batch(self, pairs: Iterable[tuple[str, str]], top_k: int = 1) -> list[list[Answer]]:
        """Answer many (question, context) pairs together, which is faster than one by one."""
        wanted = "a list of pairs of question and context"
        examples = []
        for number, pair in enumerate(check_several(pairs, "pairs", wanted)):
            if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
                raise UserError(f"pair {number}: a question and a context were expected")
            question, context = pair
            for text, what in ((question, "question"), (context, "context")):
                if not check_text(text, f"pair {number}: {what}").strip():
                    raise UserError(f"pair {number}: the {what} is empty")
            examples.append(SpanExample(str(number), question, context, ()))
        found = self._questions().predict(examples, top_k)
        return [list(each.answers) for each in found]

    def passage_reader(
        self, rank_weight: float | None = None, threshold: float | None = None
    ) -> "PassageReader":
        """Return what answers from the passages that a search found (see `passage_reader`).

        Args:
            rank_weight: how much the search's order counts; None: `RANK_WEIGHT`.
            threshold: how far "no answer" must be ahead to win; None: as in training.
        """
        return self.predictors.passage_reader(rank_weight, threshold)

    @overload
    def classify(
        self,
        text: str,
        text_pair: str | None = ...,
        *,
        top_k: int | None = ...,
        task: str | None = ...,
    ) -> list[Label]: ...
    @overload
    def classify(
        self,
        text: Texts,
        text_pair: Sequence[str | None] | None = ...,
        *,
        top_k: int | None = ...,
        task: str | None = ...,
    ) -> list[list[Label]]: ...
    def classify(
        self,
        text: str | Texts,
        text_pair: str | Sequence[str | None] | None = None,
        *,
        top_k: int | None = None,
        task: str | None = None,
    ) -> list[Label] | list[list[Label]]:
        """Return the labels of a text with their probabilities, the likeliest first.

        A text that is too long is cut, as in training.

        Args:
            text: one text, or several: these are read together, and each gets a list.
            text_pair: the second text of a pair, or that of each; None: of a text alone.
            top_k: how many labels; None: all.
            task: whose head is asked, of a model of several tasks.
        """
        classifier = self.predictors.classifier(task)
        top_k = None if top_k is None else check_count(top_k, "top_k")
        one, texts = isinstance(text, str), check_filled(text, "text")
        pairs = [None] * len(texts) if text_pair is None else check_seconds(texts, text_pair, one)
        examples = (
            PairExample(str(number), *pair)
            for number, pair in enumerate(zip(texts, pairs, strict=True))
        )
        found = [ranked(each, classifier.labels, top_k) for each in classifier(examples)]
        return found[0] if one else found

    @overload
    def tag(
        self, text: str, *, aggregation: "Aggregation" = ..., task: str | None = ...
    ) -> "list[Entity]": ...
    @overload
    def tag(
        self, text: Texts, *, aggregation: "Aggregation" = ..., task: str | None = ...
    ) -> "list[list[Entity]]": ...
    def tag(
        self,
        text: str | Texts,
        *,
        aggregation: "Aggregation" = "first",
        task: str | None = None,
    ) -> "list[Entity] | list[list[Entity]]":
        """Return the entities of a text of any length, in order: `text[start:end]` with a label.

        Args:
            text: one text, or several: these are read together, and each gets a list.
            aggregation: what gets a tag: see `entities.Aggregation`.
            task: whose head is asked, of a model of several tasks.
        """
        find = self.predictors.tagger(aggregation, task)
        found = list(find(check_filled(text, "text")))
        return found[0] if isinstance(text, str) else found

    @overload
    def fill(self, text: str, *, top_k: int = ...) -> "list[list[Filling]]": ...
    @overload
    def fill(self, text: Texts, *, top_k: int = ...) -> "list[list[list[Filling]]]": ...
    def fill(
        self, text: str | Texts, *, top_k: int = 5
    ) -> "list[list[Filling]] | list[list[list[Filling]]]":
        """Return what may stand at each gap of a text, the likeliest first: a list for each gap.

        A gap is written `[MASK]`, `<mask>` or `___`, whatever the model's vocabulary calls it, or
        for a T5 `<extra_id_0>`, `<extra_id_1>`, ...

        Args:
            text: one text, or several: these are read together, and each gets such lists.
            top_k: how many fillings of each gap.
        """
        fill = self.predictors.filler()
        found = list(fill(check_filled(text, "text"), check_count(top_k, "top_k")))
        return found[0] if isinstance(text, str) else found

    def generate(self, texts: str | Sequence[str], **options: Any) -> list[str]:
        """Generate texts for one input text or several; of a GPT, continuations of it alone.

        The fields of a task's template may stand in any order (see `tasks.field_order`).

        Args:
            options: fields of `GenerationConfig`: max_new_tokens, num_beams, do_sample, ... Those
                that are not given are as in the model's generation_config.json.

        Returns:
            one list, as in `transformers`: `num_return_sequences` texts of the first input, the
            best first, then those of the second. A search that finds fewer gives "" for the rest.
        """
        given, writer = check_texts(texts, "texts"), self.predictors.writer()
        config = self.predictors.decoding(options)
        if self.generates:
            given = [reorder(text) for text in given]
        wanted = config.num_return_sequences
        found = writer.generate(given, config)
        padded = ([*(each.text for each in several), *[""] * wanted][:wanted] for several in found)
        return [text for several in padded for text in several]

    def stream(self, text: str, **options: Any) -> "TokenStream":
        """Generate the text for one input, one token after another.

        Args:
            options: as those of `generate`, for one text without beam search.
        """
        config = self.predictors.decoding(options)
        given = reorder(check_text(text, "text")) if self.generates else check_text(text, "text")
        return self.predictors.writer().stream(given, config)

    def embed(self, texts: str | Sequence[str], *, prompt: str | None = None) -> "Vectors":
        """Return the vectors of texts, float32 `[texts, width]`; of one text `[width]`.

        They are those of sentence-transformers, of its folders and of any other encoder. The end of
        a text that is too long is cut. Products are in float32 unless `load` named a precision.

        Args:
            prompt: the name of what the model puts before each text: "query", "document", or
                another that its folder has; None: its default one.
        """
        found = self.predictors.embedder()(check_texts(texts, "texts"), prompt)
        return found[0] if isinstance(texts, str) else found

    def unread(self, question: str) -> int:
        """Return how many tokens at the end of a question are too many for this, and not read."""
        return self._reader.unread(question) if self._reader else 0

    def _questions(self) -> Reader:
        """Return what answers questions; a UserError says why there is nothing."""
        if self._reader is None:
            raise self.predictors.unfit("ask")
        return self._reader

    def adapted(self, model: str | Path) -> "LoadedModel":
        """Return what was trained on this model and saved without it, on this model's body.

        Both share the body's memory: `load("minilm").adapted("runs/rte")` needs little more than
        the adapters or LoRA matrices and the head. This model stays as it is to the bit.

        Args:
            model: the run folder, or the folder of what was trained.
        """
        folder = resolve(check_name(model, "model"))
        found = read_adaptation(folder)
        if found is None:
            raise UserError(
                f"{model}: holds a whole model, which shares no body; load it by itself"
            )
        if weight_sums(resolve(self.name)) != found.base.sha256:
            raise UserError(
                f"{model}: was trained on {found.base.name}, not on {self.name} (the sha256 of the "
                f"weights is in its {BASE}); load that first"
            )
        return _loaded(
            put_on(self.network, folder, found).model, folder, str(model), self.precision
        )

    @property
    def objective(self) -> str | None:
        """The objective it was pre-trained by, if it was adapted to no task since."""
        found = self.extra.get("objective")
        return None if found is None else str(found)

    @property
    def generates(self) -> bool:
        """Whether answers are generated, without offsets and no-answer probabilities."""
        return isinstance(self.network, TextToText)

    def read_as(self, task: "Task[Any]") -> "Task[Any]":
        """Return a task as this model was trained to read it: some pad punctuation."""
        return self.predictors.read_as(task)

    def predictor(
        self, task: "Task[Any]", *, precision: torch.dtype | None = None, **options: Any
    ) -> Predictor[Any]:
        """Return what predicts a task's examples.

        A T5 generates whatever the task is; an encoder's head must be of the task's kind and choose
        from its labels, in any order. A model of several tasks takes the head of that name.

        Args:
            precision: of the matrix products; None: that of the model.
            options: of a model that writes, as those of `generate`.
        """
        return self.predictors.for_task(task, precision, options)
