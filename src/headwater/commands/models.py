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
    from headwater.models.bert import config as bert_config
    from headwater.models.cbow import config as cbow_config
    from headwater.models.elmo import config as elmo_config
    from headwater.models.gpt import config as gpt_config
    from headwater.models.t5 import config as t5_config

    table = {name: ABOUT[name] for name in BUNDLED}
    for name, bert in bert_config.PRESETS.items():
        table[name] = (
            f"sizes for [network]: {bert.num_hidden_layers} layers, {bert.hidden_size} wide, "
            f"{bert.num_attention_heads} heads, encoder"
        )
    for name, cbow in cbow_config.PRESETS.items():
        table[name] = (
            f"sizes for [network]: vectors of {cbow.vocab_size} words, {cbow.vector_size} wide, "
            "continuous bag of words"
        )
    for name, elmo in elmo_config.PRESETS.items():
        table[name] = (
            f"sizes for [network]: {elmo.num_layers} layers, {elmo.projection_dim} wide, "
            f"{elmo.cells} cells, two directions"
        )
    for name, gpt in gpt_config.PRESETS.items():
        table[name] = (
            f"sizes for [network]: {gpt.n_layer} layers, {gpt.n_embd} wide, {gpt.n_head} heads, "
            "decoder"
        )
    for name, t5 in t5_config.PRESETS.items():
        layers = f"{t5.num_layers} + {t5.num_decoder_layers}"
        table[name] = (
            f"sizes for [network]: {layers} layers, {t5.d_model} wide, {t5.num_heads} heads, "
            "encoder-decoder"
        )
    return table
