"""`headwater merge`: what LoRA learned becomes part of the weights."""

from pathlib import Path
from typing import Annotated

from headwater.commands.options import argument, option
from headwater.errors import UserError


def merge(
    model: Annotated[str, argument("A run of method lora.", "MODEL")],
    output: Annotated[Path, option("Gets the whole model.", "DIR")],
) -> None:
    """Merge a LoRA run into the weights of the model it was trained on."""
    from headwater.checkpoints.adaptation import read_adaptation
    from headwater.checkpoints.adapted import open_model
    from headwater.checkpoints.folder import read_extra, save_model
    from headwater.checkpoints.hub import resolve
    from headwater.files import check_free
    from headwater.methods.lora import merge as into_weights
    from headwater.text.loading import load_vocabulary

    folder = resolve(model)
    adaptation = read_adaptation(folder)
    if adaptation is None:
        raise UserError(f"{model}: holds a whole model; there is nothing to merge")
    if (method := adaptation.config.method) != "lora":
        raise UserError(
            f"{model}: was trained by method {method!r}, which stays beside the body (there is "
            "more than a matrix between); only LoRA can be merged"
        )
    check_free(output)
    network = open_model(folder).model
    into_weights(network)
    save_model(output, network, vocabulary=load_vocabulary(folder), extra=read_extra(folder))
    print(output)
