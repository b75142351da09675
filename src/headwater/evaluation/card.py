"""The model card of an export: what it was made of, and how far it is from that."""

from headwater.engines.folder import EngineFile

_TITLES = {"onnx": "ONNX Runtime", "ctranslate2": "CTranslate2"}


def card(found: EngineFile, model_type: str) -> str:
    """Return the text of README.md.

    Args:
        model_type: of the network, as config.json names it.
    """
    title, stored = _TITLES[found.engine], found.quantization or "float32"
    lines = [
        f"# {found.source.name}, for {title}",
        "",
        f"A {model_type} in `{found.file}`, exported by headwater for {title} {found.version}.",
        f"Weights are stored as {stored}. `headwater.load(FOLDER)` opens it, and every verb that",
        "asks a model. To train further, take the model that it was made of.",
        "",
        "| made of | sha256 |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in found.source.sha256.items()),
        "",
        "## Agreement",
        "",
        "Measured at export, on the CPU that exported it, against the model in float32.",
        "",
        "| measure | value |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in shown(found).items()),
    ]
    return "\n".join(lines) + "\n"


def shown(found: EngineFile) -> dict[str, object]:
    """Return what was measured, by names for people."""
    names = {
        "texts": "texts compared",
        "difference": "largest difference",
        "largest": "largest output",
        "equal_texts": "share of equal texts",
    }
    agreement = found.agreement
    table: dict[str, object] = {
        name: f"{agreement[key]:.4g}" for key, name in names.items() if key in agreement
    }
    if scores := agreement.get("scores"):
        table["scores of"] = f"{scores['task']}, {scores['examples']} examples"
        for name, value in scores["original"].items():
            table[name] = f"{scores['exported'][name]:.2f} (model: {value:.2f})"
    return table
