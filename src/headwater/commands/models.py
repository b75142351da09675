"""`headwater models`: the bundled ones, and sizes to train from random weights."""

from headwater.commands.options import Json
from headwater.commands.output import print_table

ABOUT = {
    "reader": "bundled: finds answers in a text, or says that it holds none (6 layers, 384 wide)"
}


def models(json: Json = False) -> None:
    """List the bundled models and the sizes to train from random weights."""
    print_table(model_table(), json)


def model_table() -> dict[str, str]:
    """Return one line on each, by name. Imports no torch."""
    from headwater.checkpoints.hub import BUNDLED
    from headwater.models.families import FAMILIES

    table = {name: ABOUT[name] for name in BUNDLED}
    for family in FAMILIES.values():
        for name, config in family.presets.items():
            table[name] = f"sizes for [network]: {family.summary(config)}"
    return table
