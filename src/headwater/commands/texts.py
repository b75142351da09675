"""`headwater classify`, `tag` and `fill`: what a model says of texts."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

from headwater.commands.given import print_rows, print_said, tell
from headwater.commands.terminal import (
    Device,
    Json,
    LabelNames,
    Precision,
    argument,
    described,
    label_names_of,
    option,
)
from headwater.errors import UserError

if TYPE_CHECKING:
    from headwater.inference.entities import Entity
    from headwater.inference.gaps import Filling
    from headwater.inference.text_labels import Label

Text = Annotated[
    str, argument("The text; - reads one text per line from standard input.", "TEXT|-")
]
Asked = Annotated[str, option("A folder, a hub id, or a bundled name.", "MODEL")]
OfTask = Annotated[
    str | None, option("The task whose head answers, for a multi-task model.", "TASK")
]
TopK = Annotated[int, option("The maximum number of results.", min=1, max=10**6)]
Pair = tuple[str, str | None]


@described("Classify a text or a pair of texts: labels with probabilities, or a number.")
def classify(
    text: Text,
    model: Asked = "sentiment",
    text_pair: Annotated[
        str | None,
        option("The second text of a pair; with -, it follows a tab on the line.", "TEXT"),
    ] = None,
    top_k: TopK = 5,
    task: OfTask = None,
    label_names: LabelNames = None,
    json: Json = False,
    precision: Precision = "auto",
    device: Device = "auto",
) -> None:
    from headwater.inference.loaded import load

    if text == "-" and text_pair is not None:
        raise UserError(
            "--text-pair: not with -; on standard input a tab separates the two texts of a pair"
        )
    loaded = load(model, device, precision=precision, label_names=label_names_of(label_names))

    def ask(items: list[Pair]) -> list[list["Label"]]:
        firsts, seconds = [first for first, _ in items], [second for _, second in items]
        return loaded.classify(firsts, seconds, top_k=top_k, task=task)

    def show(item: Pair, said: list["Label"], several: bool) -> None:
        if json:
            pair = {} if item[1] is None else {"text_pair": item[1]}
            labels = [asdict(each) for each in said]
            print_said({"text": item[0], **pair, "labels": labels}, several)
            return
        rows = [(each.label, f"{each.score:.3f}") for each in said]
        print_rows("  ".join(each for each in item if each), rows, several)

    tell(None if text == "-" else [(text, text_pair)], _pair, ask, show)


def _pair(line: str) -> Pair:
    first, *others = line.split("\t")
    if len(others) > 1:
        raise UserError(
            f"standard input: {len(others)} tabs in {line[:40]!r}; one tab separates a pair"
        )
    return first, others[0] if others else None


@described("Find the entities of a text, with their labels and character offsets.")
def tag(
    text: Text,
    model: Asked = "tagger",
    aggregation: Annotated[
        Literal["first", "simple"],
        option("first: a word gets its first token's tag; simple: each token its own."),
    ] = "first",
    task: OfTask = None,
    label_names: LabelNames = None,
    json: Json = False,
    precision: Precision = "auto",
    device: Device = "auto",
) -> None:
    from headwater.inference.loaded import load

    loaded = load(model, device, precision=precision, label_names=label_names_of(label_names))

    def ask(items: list[str]) -> list[list["Entity"]]:
        return loaded.tag(items, aggregation=aggregation, task=task)

    def show(item: str, said: list["Entity"], several: bool) -> None:
        if json:
            entities = [asdict(each) for each in said]
            print_said({"text": item, "entities": entities}, several)
            return
        rows = [
            (each.text, each.label, f"{each.score:.3f}", f"{each.start}:{each.end}")
            for each in said
        ]
        print_rows(item, rows or [("No entity was found.",)], several)

    tell(None if text == "-" else [text], str, ask, show)


@described("Fill the gaps of a text with the most likely tokens or words.")
def fill(
    text: Annotated[
        str,
        argument(
            "A text with gaps: [MASK], <mask>, ___ or <extra_id_0>; - reads one per line.", "TEXT|-"
        ),
    ],
    model: Asked,
    top_k: TopK = 5,
    json: Json = False,
    precision: Precision = "auto",
    device: Device = "auto",
) -> None:
    from headwater.inference.loaded import load

    loaded = load(model, device, precision=precision)

    def ask(items: list[str]) -> list[list[list["Filling"]]]:
        return loaded.fill(items, top_k=top_k)

    def show(item: str, said: list[list["Filling"]], several: bool) -> None:
        if json:
            gaps = [[asdict(each) for each in gap] for gap in said]
            print_said({"text": item, "gaps": gaps}, several)
            return
        rows = [
            (*([f"gap {number}"] if len(said) > 1 else []), each.text.strip(), f"{each.score:.3f}")
            for number, gap in enumerate(said, start=1)
            for each in gap
        ]
        print_rows(item, rows, several)

    tell(None if text == "-" else [text], str, ask, show)
