"""`headwater classify`, `tag`, `fill` and `generate`: what a model says of texts, or writes."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

from headwater.commands.given import print_rows, print_said, tell
from headwater.commands.terminal import Device, Json, argument, option
from headwater.errors import UserError
from headwater.pictures.page import printable

if TYPE_CHECKING:
    from headwater.inference.entities import Entity
    from headwater.inference.gaps import Filling
    from headwater.inference.text_labels import Label

Text = Annotated[str, argument("The text; - reads standard input, a text a line.", "TEXT|-")]
Asked = Annotated[str, option("A folder, a hub id, or a bundled name.", "MODEL")]
OfTask = Annotated[str | None, option("Whose head, of a model of several tasks.", "TASK")]
TopK = Annotated[int, option("How many to show.", min=1, max=10**6)]
Pair = tuple[str, str | None]

Longest = Annotated[int | None, option("The most tokens to write.", "N")]
Beams = Annotated[int | None, option("Beams of a search.", "N")]
Returned = Annotated[int | None, option("Texts for each text.", "N")]
Temperature = Annotated[float | None, option("Divides the logits to draw by.", "T")]
DrawnOf = Annotated[int | None, option("Draw among the K likeliest tokens.", "K")]
DrawnWith = Annotated[float | None, option("Draw among the likeliest with this probability.", "P")]
OtherOptions = Annotated[
    list[str] | None, option("Any other option; repeatable.", "NAME=VALUE", flag="--set")
]


def classify(
    text: Text,
    model: Asked,
    text_pair: Annotated[
        str | None, option("The second text of a pair; of - it follows a tab.", "TEXT")
    ] = None,
    top_k: TopK = 5,
    task: OfTask = None,
    json: Json = False,
    device: Device = "auto",
) -> None:
    """Give a text or a pair its labels with their probabilities, or its number."""
    from headwater.inference.loaded import load

    if text == "-" and text_pair is not None:
        raise UserError("--text-pair: of standard input, the second text of a line follows a tab")
    loaded = load(model, device)

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
        raise UserError(f"standard input: {len(others)} tabs in {line[:40]!r}; one parts a pair")
    return first, others[0] if others else None


def tag(
    text: Text,
    model: Asked,
    aggregation: Annotated[
        Literal["first", "simple"],
        option("A word has the tag of its first token; or simple: every token its own."),
    ] = "first",
    task: OfTask = None,
    json: Json = False,
    device: Device = "auto",
) -> None:
    """Find the entities of a text: what they are, and from which character to which."""
    from headwater.inference.loaded import load

    loaded = load(model, device)

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


def fill(
    text: Annotated[
        str, argument("With gaps: [MASK], <mask>, ___ or T5's <extra_id_0>; - as above.", "TEXT|-")
    ],
    model: Asked,
    top_k: TopK = 5,
    json: Json = False,
    device: Device = "auto",
) -> None:
    """Fill the gaps of a text with the likeliest words."""
    from headwater.inference.loaded import load

    loaded = load(model, device)

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


def generate(
    text: Text,
    model: Asked,
    max_new_tokens: Longest = None,
    num_beams: Beams = None,
    num_return_sequences: Returned = None,
    do_sample: Annotated[bool, option("Draw each token.", flag="--do-sample")] = False,
    temperature: Temperature = None,
    top_k: DrawnOf = None,
    top_p: DrawnWith = None,
    settings: OtherOptions = None,
    json: Json = False,
    device: Device = "auto",
) -> None:
    """Write a text with a T5, or go on with one with a GPT; the new text alone is printed."""
    from headwater.inference.loaded import load

    given: dict[str, Any] = {
        "max_new_tokens": max_new_tokens,
        "num_beams": num_beams,
        "num_return_sequences": num_return_sequences,
        "do_sample": do_sample or None,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
    }
    options = {name: value for name, value in given.items() if value is not None}
    options |= dict(map(_setting, settings or []))
    loaded = load(model, device)

    def ask(items: list[str]) -> list[list[str]]:
        written = loaded.generate(items, **options)
        each = len(written) // len(items)
        return [written[begin : begin + each] for begin in range(0, len(written), each)]

    def show(item: str, said: list[str], several: bool) -> None:
        if json:
            print_said({"text": item, "generated": said}, several)
            return
        for new in said:
            line = " ".join(new.split()) if several or len(said) > 1 else new
            print("\n".join(map(printable, line.split("\n"))))

    tell(None if text == "-" else [text], str, ask, show)


def _setting(text: str) -> tuple[str, Any]:
    from headwater.config import toml_value

    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise UserError(f"--set {text}: expected NAME=VALUE, as in num_beams=4")
    return name.strip(), toml_value(value)
