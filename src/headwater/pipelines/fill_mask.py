"""`fill-mask`: the likeliest tokens at each mask of a text."""

from collections.abc import Sequence
from typing import Any, final

from pydantic import PositiveInt

from headwater.config import Config
from headwater.errors import UserError
from headwater.inference.gaps import GAP, Filling, with_masks
from headwater.inference.loaded import LoadedModel
from headwater.inference.mask_fillers import MaskFiller
from headwater.pipelines.task import first_or_all, texts_of
from headwater.text.sequence_layout import encoder_layout


class FillOptions(Config):
    """What a caller may set.

    top_k: how many tokens of each mask.
    targets: the words that may stand there, each a token; left out: any token.
    """

    top_k: PositiveInt = 5
    targets: str | list[str] | None = None


@final
class FillMask:
    """Fills masks by a masked language model."""

    options = FillOptions

    def __init__(self, model: LoadedModel) -> None:
        self._vocabulary = model.vocabulary
        filler = model.predictors.filler()
        if not isinstance(filler, MaskFiller):
            raise UserError(f"{model.name}: fill-mask is for masked language models, such as BERT")
        self._filler = filler

    def items(self, inputs: Any) -> tuple[list[str], bool]:
        """Check texts with a mask each."""
        texts, one = texts_of(inputs)
        for number, text in enumerate(texts):
            if not GAP.search(text):
                where = "inputs" if one else f"inputs[{number}]"
                raise UserError(f"{where}: the text has no mask; write [MASK] where a word is open")
        return texts, one

    def characters(self, item: str) -> int:
        return len(item)

    def run(self, items: Sequence[str], options: FillOptions) -> list[Any]:
        among = None if options.targets is None else self._targets(options.targets)
        found = []
        for text, gaps in zip(items, self._filler(items, options.top_k, among), strict=True):
            shaped = self._shaped(text, gaps)
            found.append(shaped[0] if len(shaped) == 1 else shaped)
        return found

    def outer(self, results: list[Any], one: bool) -> Any:
        return first_or_all(results, one)

    def _targets(self, given: str | list[str]) -> list[int]:
        """Return the ids of words; one that is no token stands for its first one."""
        ids: list[int] = []
        for word in [given] if isinstance(given, str) else given:
            known = self._vocabulary.ids.get(word)
            tokens = self._vocabulary.encode(word).ids[:1].tolist() if known is None else [known]
            if not tokens:
                raise UserError(f"parameters.targets: {word!r:.40} has no token")
            ids += tokens
        if not ids:
            raise UserError("parameters.targets: the list is empty")
        return list(dict.fromkeys(ids))

    def _shaped(self, text: str, gaps: list[list[Filling]]) -> list[list[dict[str, Any]]]:
        """Return the fillings of each gap, each with the text that it makes."""
        ids: list[int] = self._vocabulary.encode(with_masks(self._vocabulary, text)).ids.tolist()
        positions = [position for position, id in enumerate(ids) if id == self._vocabulary.mask_id]
        # Of several masks the others are shown, and with them all special tokens.
        whole = encoder_layout(self._vocabulary) if len(gaps) > 1 else None

        def shaped(position: int, filling: Filling) -> dict[str, Any]:
            assert filling.id is not None
            filled = [*ids[:position], filling.id, *ids[position + 1 :]]
            if whole is not None:
                filled = [*whole.before, *filled, *whole.after]
            return {
                "score": filling.score,
                "token": filling.id,
                "token_str": filling.text,
                "sequence": self._vocabulary.decode(filled, skip_special=whole is None),
            }

        return [
            [shaped(position, each) for each in gap]
            for position, gap in zip(positions, gaps, strict=True)
        ]
