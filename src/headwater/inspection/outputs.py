"""`headwater inspect outputs`: what a head predicts from C and T1 to Tn (BERT paper, figure 1).

masked_lm, pretraining   the likeliest tokens at each position; whether B follows A
span                     each position's scores as the first and last of the answer
sequence, token, ...     the classes of the text, or of each token
GPT                      the likeliest next tokens after each position
T5                       the text that it writes, and the likeliest tokens at each step
a bare body              how long each vector is, and which tokens' vectors it is nearest to
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from headwater.errors import UserError
from headwater.inference.loaded import LoadedModel
from headwater.inference.running import evaluating
from headwater.inspection.reading import Reading, as_batch, read_by
from headwater.inspection.spelling import Speller
from headwater.models.body import Body, EncoderBody, GeneratingBody, WordBody
from headwater.models.feature_model import FeatureModel
from headwater.models.heads import ModelWithHead
from headwater.models.multi_task import MultiTask
from headwater.models.text_to_text import TextToText
from headwater.pictures.page import Element, Heading, Highlight, Line, Page, Shown, Table, TextSpan

SHOWN = 3  # of the likeliest tokens in the table of all positions


def outputs(loaded: LoadedModel, text: str, second: str | None = None, count: int = 5) -> Shown:
    """Return what a model predicts for each token of a text; `count` of the likeliest tokens."""
    shown = _Outputs(loaded, text, second, count)
    with evaluating(loaded.network):
        what, content, elements = shown.described()
    if shown.reading.cut:
        elements.insert(0, Heading("read up to the blank: a GPT sees nothing after it"))
    head = {"model": loaded.name, "says": what}
    return Shown(head | content, Page(f"{loaded.name}: {what}", tuple(elements)))


Found = tuple[str, dict[str, Any], list[Element]]
"""What a head predicts, in a few words; the same for JSON; and for a page."""


class _Outputs:
    """One text and one network."""

    def __init__(self, loaded: LoadedModel, text: str, second: str | None, count: int) -> None:
        self.loaded, self.text, self.second, self.count = loaded, text, second, count
        self.network, self.config = loaded.network, loaded.config
        self.speller = Speller(loaded.vocabulary)
        self.reading: Reading = read_by(loaded, text, second)
        self.batch = as_batch(self.reading, loaded.network)

    def described(self) -> Found:
        network = self.network
        if isinstance(network, MultiTask):
            return self._multi_task(network)
        return self._of_body(network) if isinstance(network, Body) else self._with_head(network)

    def _of_body(self, network: Body) -> Found:
        if isinstance(network, TextToText):
            return self._generated()
        if isinstance(network, GeneratingBody):
            return self._next_tokens(network)
        if isinstance(network, WordBody):
            return self._words(network)
        assert isinstance(network, EncoderBody)
        return self._vectors(network)

    def _multi_task(self, network: MultiTask) -> Found:
        content: dict[str, Any] = {}
        elements: list[Element] = []
        for task in network.names:
            _, content[task], shown = self._with_head(network.for_task(task))
            elements += [Heading(task), *shown]
        return ", ".join(network.names), content, elements

    def _with_head(self, network: ModelWithHead | FeatureModel) -> Found:
        name = network.head_name
        result = network(self.batch)
        match name:
            case "masked_lm":
                return name, *self._masked(result[0])
            case "pretraining":
                content, elements = self._masked(result.masked_lm[0])
                chance = float(result.next_sentence[0].softmax(-1)[0])
                content["is_next"] = chance
                elements.insert(0, Line("C", (TextSpan(f"B follows A: {chance:.3f}"),)))
                return name, content, elements
            case "span":
                return name, *self._span(result.start_logits[0], result.end_logits[0])
            case "token":
                return name, *self._classes_of_tokens(result[0], network.labels)
            case "regression":
                number = float(result[0, 0])
                return name, {"number": number}, [Line("C", (TextSpan(f"{number:.4f}"),))]
            case _:
                labels = ("B is next", "B is random") if name == "next_sentence" else network.labels
                return name, *self._classes(result[0], labels, name == "multi_label")

    def _masked(self, logits: Tensor, letter: str = "T") -> tuple[dict[str, Any], list[Element]]:
        """Of logits `[length, vocabulary]`: first the blanks. `letter` names positions as BERT."""
        ids, blanks = self.reading.ids, self.reading.blanks
        right = [None if position in blanks else id for position, id in enumerate(ids)]
        found = self._by_position(ids, logits, right)
        elements: list[Element] = []
        for position in blanks:
            found[position]["blank"] = True
            elements += [
                Heading(f"the blank, {letter}{position}"),
                _ranking(found[position]["likeliest"]),
            ]
            elements += self._likeliest_known(found[position], logits[position])
        elements += [Heading("every position"), _table(found, letter, "its own token")]
        return {"tokens": found}, elements

    def _words(self, network: WordBody) -> Found:
        ids = self.batch["input_ids"]
        if ids.shape[1] < 2:
            raise UserError(
                "the text is a single word; this model tells a word from those around it"
            )
        logits = network.neighbor_logits(ids)
        return "each word from those around it", *self._masked(logits, letter="")

    def _next_tokens(self, network: GeneratingBody) -> Found:
        ids = self.reading.ids
        logits = network(self.batch)[0]
        found = self._by_position(ids, logits, (*ids[1:], None))
        elements: list[Element] = [Heading("next"), _ranking(found[-1]["likeliest"])]
        elements += self._likeliest_known(found[-1], logits[-1])
        elements += [Heading("after every position"), _table(found, "", "what follows")]
        return "the next token", {"tokens": found}, elements

    def _generated(self) -> Found:
        targets = self.reading.targets
        assert targets is not None
        found = self._by_position(targets, self.network(self.batch)[0], targets)
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
        nearest = (F.normalize(hidden, dim=-1) @ table.T).topk(self._count(len(table)))
        found: list[dict[str, Any]] = []
        for position, id in enumerate(self.reading.ids):
            pairs = zip(nearest.indices[position].tolist(), nearest.values[position], strict=True)
            found.append(
                {
                    "token": self.speller.token(id),
                    "norm": float(hidden[position].norm()),
                    "nearest": [
                        {"token": self.speller.token(near), "cosine": float(value)}
                        for near, value in pairs
                    ],
                }
            )
        rows = []
        for position, each in enumerate(found):
            near = "  ".join(f"{n['token']} {n['cosine']:.2f}" for n in each["nearest"][:SHOWN])
            texts = (
                f"T{position}" if position else "C",
                each["token"],
                f"{each['norm']:.2f}",
                near,
            )
            rows.append(tuple(map(TextSpan, texts)))
        names = ("", "token", "length", "nearest tokens (cosine)")
        return "no head: the vectors", {"tokens": found}, [Table(names, tuple(rows))]

    def _span(self, starts: Tensor, ends: Tensor) -> tuple[dict[str, Any], list[Element]]:
        """Of scores `[length]`; the first position, C, means "no answer"."""
        if self.second is None:
            raise UserError(
                "this model finds answers: give a question and a text that may answer it"
            )
        answers = self.loaded.answer(self.text, self.second, self.count)
        best = (int(starts[1:].argmax()) + 1, int(ends[1:].argmax()) + 1)
        found: list[dict[str, Any]] = [
            {"token": self.speller.token(id), "start": float(start), "end": float(end)}
            for id, start, end in zip(self.reading.ids, starts, ends, strict=True)
        ]
        rows = []
        for position, each in enumerate(found):
            spans = [TextSpan("C" if not position else f"T{position}"), TextSpan(each["token"])]
            for name, highest in zip(("start", "end"), best, strict=True):
                highlight: Highlight = "answer" if position == highest else "plain"
                spans.append(TextSpan(f"{each[name]:.2f}", highlight))
            rows.append(tuple(spans))
        best_text = TextSpan(answers[0].text or "no answer")
        elements: list[Element] = [
            Line("answer", (best_text, TextSpan(f"  {answers[0].score:.3f}", "special"))),
            Table(("", "token", "start", "end"), tuple(rows)),
        ]
        return {"tokens": found, "answers": [each.to_dict() for each in answers]}, elements

    def _classes(
        self, logits: Tensor, labels: Sequence[str], several: bool = False
    ) -> tuple[dict[str, Any], list[Element]]:
        """Of logits `[classes]`; of `several` classes each has a probability of its own."""
        chances = logits.sigmoid() if several else logits.softmax(-1)
        named = dict(zip(labels, chances.tolist(), strict=True))
        ordered = sorted(named.items(), key=lambda pair: -pair[1])
        rows = tuple((TextSpan(label), TextSpan(f"{chance:.3f}")) for label, chance in ordered)
        return {"classes": named}, [Table(("C", "probability"), rows)]

    def _classes_of_tokens(
        self, logits: Tensor, labels: Sequence[str]
    ) -> tuple[dict[str, Any], list[Element]]:
        """Of logits `[length, classes]`."""
        found: list[dict[str, Any]] = []
        for id, chances in zip(self.reading.ids, logits.softmax(-1).tolist(), strict=True):
            named = dict(zip(labels, chances, strict=True))
            found.append({"token": self.speller.token(id), "classes": named})
        rows = []
        for position, each in enumerate(found):
            label, chance = max(each["classes"].items(), key=lambda pair: pair[1])
            texts = (f"T{position}", each["token"], f"{label} {chance:.3f}")
            rows.append(tuple(map(TextSpan, texts)))
        return {"tokens": found}, [Table(("", "token", "class"), tuple(rows))]

    def _by_position(
        self, ids: Sequence[int], logits: Tensor, right: Sequence[int | None]
    ) -> list[dict[str, Any]]:
        """Describe each position by its likeliest tokens, from logits `[positions, vocabulary]`,
        and by the probability of the one that is `right` there."""
        chances = logits.softmax(-1)
        top = chances.topk(self._count(logits.shape[-1]))
        found: list[dict[str, Any]] = []
        for position, id in enumerate(ids):
            pairs = zip(top.indices[position].tolist(), top.values[position].tolist(), strict=True)
            each: dict[str, Any] = {"token": self.speller.token(id), "id": id}
            each["likeliest"] = [
                {"token": self.speller.token(likely), "id": likely, "probability": chance}
                for likely, chance in pairs
            ]
            expected = right[position]
            each["probability"] = None if expected is None else float(chances[position, expected])
            found.append(each)
        return found

    def _likeliest_known(self, described: dict[str, Any], logits: Tensor) -> list[Element]:
        """If the unknown token is likeliest, name the likeliest known token.

        Of logits `[vocabulary]`; JSON gets it as `likeliest_known`.
        """
        unknown = self.loaded.vocabulary.unk_id
        if unknown is None or described["likeliest"][0]["id"] != unknown:
            return []
        known = logits.clone()
        known[unknown] = -torch.inf
        best = int(known.argmax())
        token, chance = self.speller.token(best), float(logits.softmax(-1)[best])
        described["likeliest_known"] = {"token": token, "id": best, "probability": chance}
        name = self.speller.token(unknown)
        text = f"{name}: all that the vocabulary lacks; likeliest else: {token} "
        return [Line("", (TextSpan(f"{text}{chance:.3f}", "special"),))]

    def _count(self, tokens: int) -> int:
        return min(self.count, tokens)


def _ranking(likeliest: Sequence[dict[str, Any]]) -> Table:
    rows = tuple(
        (TextSpan(each["token"]), TextSpan(f"{each['probability']:.3f}")) for each in likeliest
    )
    return Table(("token", "probability"), rows)


def _table(found: Sequence[dict[str, Any]], letter: str, own: str) -> Table:
    """Show for every position its name, its token, what is likeliest, and its own probability."""
    rows = []
    for position, each in enumerate(found):
        likely = each["likeliest"][:SHOWN]
        tokens = "  ".join(f"{one['token']} {one['probability']:.2f}" for one in likely)
        chance = each["probability"]
        name = ("C" if not position else f"{letter}{position}") if letter else str(position)
        own_chance = TextSpan("" if chance is None else f"{chance:.3f}", "special")
        rows.append((TextSpan(name), TextSpan(each["token"]), TextSpan(tokens), own_chance))
    return Table(("", "token", "likeliest", own), tuple(rows))
