"""`headwater inspect outputs`: what a head says of C and T1 to Tn (BERT paper, figure 1).

masked_lm, pretraining   the likeliest tokens at each place; whether B follows A
span                     each place's scores as the first and last of the answer
sequence, token, ...     the classes of the text, or of each token
GPT                      the likeliest next tokens after each place
T5                       the text that it writes, and the likeliest tokens at each step
a bare body              how long each vector is, and which tokens' vectors it is nearest to
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from headwater.errors import UserError
from headwater.inference.batches import evaluating
from headwater.inference.loaded import LoadedModel
from headwater.inspection.forward import as_batch, with_targets
from headwater.inspection.reading import Reading, read
from headwater.inspection.spelling import Speller
from headwater.models.body import EncoderBody, GeneratingBody, WordBody
from headwater.models.config import label_names
from headwater.models.feature_model import FeatureModel
from headwater.models.heads import ModelWithHead
from headwater.models.multi_task import MultiTask
from headwater.models.text_to_text import TextToText
from headwater.pictures.page import Element, Heading, Highlight, Line, Page, Shown, Table, TextSpan

SHOWN = 3  # of the likeliest tokens in the table of all places


def outputs(loaded: LoadedModel, text: str, second: str | None = None, count: int = 5) -> Shown:
    """Return what a model says of each token of a text; `count` of the likeliest tokens.

    Raises:
        UserError: the model does not read this, or says nothing that can be shown.
    """
    looked = _Look(loaded, text, second, count)
    with evaluating(loaded.network):
        what, content, elements = looked.said()
    if looked.reading.cut:
        elements.insert(0, Heading("read up to the blank: a GPT sees nothing after it"))
    given = {"model": loaded.name, "says": what}
    return Shown(given | content, Page(f"{loaded.name}: {what}", tuple(elements)))


Found = tuple[str, dict[str, Any], list[Element]]
"""What is said, in a word; for a script; for a person."""


class _Look:
    """One text and one network."""

    def __init__(self, loaded: LoadedModel, text: str, second: str | None, count: int) -> None:
        self.loaded, self.text, self.second, self.count = loaded, text, second, count
        self.network, self.config = loaded.network, loaded.config
        self.speller = Speller(loaded.vocabulary)
        self.reading: Reading = with_targets(
            loaded, read(loaded.vocabulary, loaded.config, text, second)
        )
        self.batch = as_batch(self.reading, loaded.network)
        self._labels = label_names(self.config)

    def said(self) -> Found:
        network = self.network
        if isinstance(network, FeatureModel):
            self._labels = network.labels
            return self._headed(network)
        if isinstance(network, TextToText):
            return self._written()
        if isinstance(network, GeneratingBody):
            return self._next_tokens(network)
        if isinstance(network, WordBody):
            return self._words(network)
        if isinstance(network, EncoderBody):
            return self._vectors(network)
        if isinstance(network, MultiTask):
            return self._several(network)
        assert isinstance(network, ModelWithHead)
        return self._headed(network)

    def _several(self, network: MultiTask) -> Found:
        content: dict[str, Any] = {}
        elements: list[Element] = []
        for task in network.names:
            self._labels = network.labels[task]
            _, content[task], said = self._headed(network.one(task))
            elements += [Heading(task), *said]
        return ", ".join(network.names), content, elements

    def _headed(self, network: ModelWithHead | FeatureModel) -> Found:
        name = network.head_name
        given = network(self.batch)
        match name:
            case "masked_lm":
                return name, *self._masked(given[0])
            case "pretraining":
                content, elements = self._masked(given.masked_lm[0])
                chance = float(given.next_sentence[0].softmax(-1)[0])
                content["is_next"] = chance
                elements.insert(0, Line("C", (TextSpan(f"B follows A: {chance:.3f}"),)))
                return name, content, elements
            case "span":
                return name, *self._span(given.start_logits[0], given.end_logits[0])
            case "token":
                return name, *self._classes_of_tokens(given[0])
            case "regression":
                number = float(given[0, 0])
                return name, {"number": number}, [Line("C", (TextSpan(f"{number:.4f}"),))]
            case _:
                labels = ("B is next", "B is random") if name == "next_sentence" else self._labels
                return name, *self._classes(given[0], labels)

    def _masked(self, logits: Tensor) -> tuple[dict[str, Any], list[Element]]:
        """Of logits `[length, vocabulary]`: first what is said of the blanks."""
        ids, blanks = self.reading.ids, self.reading.blanks
        right = [None if place in blanks else id for place, id in enumerate(ids)]
        found = self._places(ids, logits, right)
        elements: list[Element] = []
        for place in blanks:
            found[place]["blank"] = True
            elements += [Heading(f"the blank, T{place}"), _ranking(found[place]["likeliest"])]
            elements += self._known(found[place], logits[place])
        elements += [Heading("every place"), _table(found, "T", "its own token")]
        return {"tokens": found}, elements

    def _words(self, network: WordBody) -> Found:
        ids = self.batch["input_ids"]
        if ids.shape[1] < 2:
            raise UserError(
                "the text is a single word; this model tells a word from those around it"
            )
        logits = network.neighbor_logits(ids)
        return "each word from those around it", *self._masked(logits)

    def _next_tokens(self, network: GeneratingBody) -> Found:
        ids = self.reading.ids
        logits = network(self.batch)[0]
        found = self._places(ids, logits, (*ids[1:], None))
        elements: list[Element] = [Heading("next"), _ranking(found[-1]["likeliest"])]
        elements += self._known(found[-1], logits[-1])
        elements += [Heading("after every place"), _table(found, "", "what follows")]
        return "the next token", {"tokens": found}, elements

    def _written(self) -> Found:
        targets = self.reading.targets
        assert targets is not None
        found = self._places(targets, self.network(self.batch)[0], targets)
        text = self.loaded.vocabulary.decode(targets, skip_special=False)
        whose = "writes" if self.second is None else "reads on"
        elements: list[Element] = [
            Line(whose, self.speller.spans(targets)),
            Heading("each step, given those before it"),
            _table(found, "", "its chance"),
        ]
        return "what it writes", {"text": text, "tokens": found}, elements

    def _vectors(self, network: EncoderBody) -> Found:
        ids = self.batch["input_ids"]
        hidden = network(ids, None, self.batch.get("token_type_ids"))[0]
        table = F.normalize(network.token_vectors, dim=-1)
        nearest = (F.normalize(hidden, dim=-1) @ table.T).topk(self._most(len(table)))
        found: list[dict[str, Any]] = []
        for place, id in enumerate(self.reading.ids):
            pairs = zip(nearest.indices[place].tolist(), nearest.values[place], strict=True)
            found.append(
                {
                    "token": self.speller.token(id),
                    "norm": float(hidden[place].norm()),
                    "nearest": [
                        {"token": self.speller.token(near), "cosine": float(value)}
                        for near, value in pairs
                    ],
                }
            )
        rows = tuple(
            (
                *(TextSpan("C" if not place else f"T{place}"), TextSpan(each["token"])),
                TextSpan(f"{each['norm']:.2f}"),
                TextSpan(
                    "  ".join(f"{n['token']} {n['cosine']:.2f}" for n in each["nearest"][:SHOWN])
                ),
            )
            for place, each in enumerate(found)
        )
        names = ("", "token", "length", "nearest tokens (cosine)")
        return "no head: the vectors", {"tokens": found}, [Table(names, rows)]

    def _span(self, starts: Tensor, ends: Tensor) -> tuple[dict[str, Any], list[Element]]:
        """Of scores `[length]`; the first place, C, stands for "no answer"."""
        if self.second is None:
            raise UserError("this model finds answers: give a question and the text it is asked of")
        answers = self.loaded.answer(self.text, self.second, self.count)
        best = (int(starts[1:].argmax()) + 1, int(ends[1:].argmax()) + 1)
        found: list[dict[str, Any]] = [
            {"token": self.speller.token(id), "start": float(start), "end": float(end)}
            for id, start, end in zip(self.reading.ids, starts, ends, strict=True)
        ]
        rows = []
        for place, each in enumerate(found):
            spans = [TextSpan("C" if not place else f"T{place}"), TextSpan(each["token"])]
            for name, highest in zip(("start", "end"), best, strict=True):
                highlight: Highlight = "answer" if place == highest else "plain"
                spans.append(TextSpan(f"{each[name]:.2f}", highlight))
            rows.append(tuple(spans))
        said = [
            TextSpan(answers[0].text or "no answer"),
            TextSpan(f"  {answers[0].score:.3f}", "special"),
        ]
        elements: list[Element] = [
            Line("answer", tuple(said)),
            Table(("", "token", "start", "end"), tuple(rows)),
        ]
        return {"tokens": found, "answers": [each.to_dict() for each in answers]}, elements

    def _classes(
        self, logits: Tensor, labels: Sequence[str]
    ) -> tuple[dict[str, Any], list[Element]]:
        """Of logits `[classes]`."""
        chances = logits.softmax(-1).tolist()
        named = dict(zip(labels, chances, strict=True))
        ordered = sorted(named.items(), key=lambda pair: -pair[1])
        rows = tuple((TextSpan(label), TextSpan(f"{chance:.3f}")) for label, chance in ordered)
        return {"classes": named}, [Table(("C", "probability"), rows)]

    def _classes_of_tokens(self, logits: Tensor) -> tuple[dict[str, Any], list[Element]]:
        """Of logits `[length, classes]`."""
        found: list[dict[str, Any]] = []
        for id, chances in zip(self.reading.ids, logits.softmax(-1).tolist(), strict=True):
            named = dict(zip(self._labels, chances, strict=True))
            found.append({"token": self.speller.token(id), "classes": named})
        rows = []
        for place, each in enumerate(found):
            label, chance = max(each["classes"].items(), key=lambda pair: pair[1])
            rows.append(
                (TextSpan(f"T{place}"), TextSpan(each["token"]), TextSpan(f"{label} {chance:.3f}"))
            )
        return {"tokens": found}, [Table(("", "token", "class"), tuple(rows))]

    def _places(
        self, ids: Sequence[int], logits: Tensor, right: Sequence[int | None]
    ) -> list[dict[str, Any]]:
        """Describe each place by its likeliest tokens, from logits `[places, vocabulary]`, and by
        the probability of the one that is `right` there."""
        chances = logits.softmax(-1)
        top = chances.topk(self._most(logits.shape[-1]))
        found: list[dict[str, Any]] = []
        for place, id in enumerate(ids):
            pairs = zip(top.indices[place].tolist(), top.values[place].tolist(), strict=True)
            each: dict[str, Any] = {"token": self.speller.token(id), "id": id}
            each["likeliest"] = [
                {"token": self.speller.token(likely), "id": likely, "probability": chance}
                for likely, chance in pairs
            ]
            expected = right[place]
            each["probability"] = None if expected is None else float(chances[place, expected])
            found.append(each)
        return found

    def _known(self, said: dict[str, Any], logits: Tensor) -> list[Element]:
        """Where the unknown token is likeliest, name the likeliest of those that are known.

        Of logits `[vocabulary]`; JSON gets it as `likeliest_known`.
        """
        unknown = self.loaded.vocabulary.unk_id
        if unknown is None or said["likeliest"][0]["id"] != unknown:
            return []
        known = logits.clone()
        known[unknown] = -torch.inf
        best = int(known.argmax())
        token, chance = self.speller.token(best), float(logits.softmax(-1)[best])
        said["likeliest_known"] = {"token": token, "id": best, "probability": chance}
        name = self.speller.token(unknown)
        text = f"{name}: all that the vocabulary lacks; likeliest else: {token} "
        return [Line("", (TextSpan(f"{text}{chance:.3f}", "special"),))]

    def _most(self, tokens: int) -> int:
        return min(self.count, tokens)


def _ranking(likeliest: Sequence[dict[str, Any]]) -> Table:
    rows = tuple(
        (TextSpan(each["token"]), TextSpan(f"{each['probability']:.3f}")) for each in likeliest
    )
    return Table(("token", "probability"), rows)


def _table(found: Sequence[dict[str, Any]], letter: str, own: str) -> Table:
    """Every place: its name where it has one, its token, what is likeliest, and its own chance."""
    rows = []
    for place, each in enumerate(found):
        likely = each["likeliest"][:SHOWN]
        said = "  ".join(f"{one['token']} {one['probability']:.2f}" for one in likely)
        chance = each["probability"]
        name = ("C" if not place else f"{letter}{place}") if letter else str(place)
        rows.append(
            (
                *(TextSpan(name), TextSpan(each["token"]), TextSpan(said)),
                TextSpan("" if chance is None else f"{chance:.3f}", "special"),
            )
        )
    return Table(("", "token", "likeliest", own), tuple(rows))
