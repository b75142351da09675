"""`headwater generate`: what a model writes for texts, or after them."""

from typing import Annotated, Any

from headwater.commands.given import print_said, tell
from headwater.commands.terminal import Device, Json, Precision, described, echo, option
from headwater.commands.texts import Asked, Text
from headwater.errors import UserError

Longest = Annotated[int | None, option("The maximum number of new tokens.", "N")]
Beams = Annotated[int | None, option("The number of beams; 1 is greedy search.", "N")]
Returned = Annotated[int | None, option("The number of texts to generate for each input.", "N")]
Draw = Annotated[bool, option("Sample each token.", flag="--do-sample")]
Temperature = Annotated[float | None, option("Divides the logits before sampling.", "T")]
DrawnOf = Annotated[int | None, option("Sample among the K most likely tokens.", "K")]
DrawnWith = Annotated[
    float | None, option("Sample among the most likely tokens of total probability P.", "P")
]
OtherOptions = Annotated[
    list[str] | None, option("Any other generation option; repeatable.", "NAME=VALUE", flag="--set")
]


@described("Generate text with a T5 or a GPT; only the new text is printed.")
def generate(
    text: Text,
    model: Asked,
    max_new_tokens: Longest = None,
    num_beams: Beams = None,
    num_return_sequences: Returned = None,
    do_sample: Draw = False,
    temperature: Temperature = None,
    top_k: DrawnOf = None,
    top_p: DrawnWith = None,
    settings: OtherOptions = None,
    json: Json = False,
    precision: Precision = "auto",
    device: Device = "auto",
) -> None:
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
    loaded = load(model, device, precision=precision)

    def ask(items: list[str]) -> list[list[str]]:
        return _parted(loaded.generate(items, **options), len(items))

    def show(item: str, said: list[str], several: bool) -> None:
        if json:
            print_said({"text": item, "generated": said}, several)
        else:
            _print(said, several)

    tell(None if text == "-" else [text], str, ask, show)


def _parted(written: list[str], texts: int) -> list[list[str]]:
    """Part what was written by the texts it was written for, as many for each."""
    each = len(written) // max(1, texts) or 1
    return [written[begin : begin + each] for begin in range(0, len(written), each)]


def _print(said: list[str], several: bool) -> None:
    """Print texts, each on a line where there are several."""
    for new in said:
        line = " ".join(new.split()) if several or len(said) > 1 else new
        echo(line)


def _setting(text: str) -> tuple[str, Any]:
    from headwater.config import toml_value

    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise UserError(f"--set {text}: expected NAME=VALUE, as in num_beams=4")
    return name.strip(), toml_value(value)
