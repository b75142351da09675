"""Exporting a model to another engine: its folder, and how far its outputs are from ours.

found = export("reader", "onnx", Path("reader-onnx"), quantization="int8")
found.agreement["difference"]
load("reader-onnx").answer(question, text)
"""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from headwater.checkpoints.description import describe
from headwater.checkpoints.generation import GENERATION, generation_content
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.parts import EXTRA, read_adaptation, weight_sums, write_others
from headwater.checkpoints.weights import ENGINE
from headwater.data.example import Examples
from headwater.data.task import Task
from headwater.engines import ctranslate2_spec, onnx_graph
from headwater.engines.folder import CTRANSLATE2_FILE, ONNX_FILE, EngineFile, Source
from headwater.engines.library import EngineName, imported
from headwater.errors import UserError, listed
from headwater.evaluation.agreement import Agreement, compare, compare_scores
from headwater.evaluation.card import card
from headwater.evaluation.scoring import read_files
from headwater.files import check_free, read_json, replace_file, replacing_folder, write_json
from headwater.inference.loaded import LoadedModel, load
from headwater.methods.lora import merge
from headwater.models.families import sizes_of
from headwater.paths import as_text
from headwater.tasks.names import task as find_task

LIMIT = 1e-3  # of the difference of an export whose numbers are float32
MOST = 200  # examples that are measured on
_RUNS = {"onnx": "onnxruntime", "ctranslate2": "ctranslate2"}
_QUANTIZATIONS = {
    "onnx": onnx_graph.QUANTIZATIONS,
    "ctranslate2": ctranslate2_spec.QUANTIZATIONS,
}


def export(
    model: str,
    engine: EngineName,
    output: Path,
    *,
    quantization: str | None = None,
    task: str | None = None,
    data: Path | None = None,
) -> EngineFile:
    """Write a folder that `load` opens, after comparing both; nothing is written where they differ.

    Args:
        quantization: how weights are stored, by the engine's names; None: in float32. What it
            costs is measured and written down, and refuses nothing.
        task, data: measure both on the first examples of this task's file.
    """
    if quantization not in (None, *_QUANTIZATIONS[engine]):
        known = listed(_QUANTIZATIONS[engine])
        raise UserError(f"quantization {quantization!r}: {engine} has {known}")
    check_free(output)
    version = imported(_RUNS[engine], engine).__version__
    measured, original = _examples(task, data), _whole(model)
    source = Source(name=as_text(model), sha256=weight_sums(resolve(model)))
    with replacing_folder(output) as folder:
        _write(original, engine, folder, quantization)
        found = EngineFile(
            engine=engine,
            version=version,
            file=ONNX_FILE if engine == "onnx" else CTRANSLATE2_FILE,
            quantization=quantization,
            source=source,
            agreement={},
        )
        write_json(folder / ENGINE, found.model_dump())
        agreement = _agreement(original, load(folder), measured)
        _refuse(agreement, quantization)
        found = found.model_copy(update={"agreement": agreement.to_dict()})
        write_json(folder / ENGINE, found.model_dump())
        replace_file(folder / "README.md", card(found, original.config.model_type))
    return found


def _examples(name: str | None, data: Path | None) -> tuple[Task[Any], Examples[Any]] | None:
    """Return a task and its first examples; None where neither is given."""
    if name is None and data is None:
        return None
    if name is None or data is None:
        raise UserError("--task and --data belong together: the task, and its file")
    task = find_task(name)
    return task, Examples(list(islice(read_files(task, [data]), MOST)))


def _whole(model: str) -> LoadedModel:
    """Load a model in float32; what LoRA changed is added to its matrices."""
    folder = resolve(model)
    if EngineFile.find(folder) is not None:
        raise UserError(f"{model}: an export already; export the model that it was made of")
    adaptation = read_adaptation(folder)
    if adaptation is not None and (method := adaptation.config.method) != "lora":
        raise UserError(
            f"{model}: was trained by method {method!r}, which stays beside the body; only whole "
            "models and LoRA can be exported"
        )
    loaded = load(model, "cpu", precision="fp32")
    merge(loaded.network)
    return loaded


def _write(model: LoadedModel, engine: EngineName, folder: Path, quantization: str | None) -> None:
    """Write all but what names the source: the engine's files, and those of any model."""
    network, vocabulary = model.network, model.vocabulary
    described: dict[str, Any] = dict(describe(network))
    if engine == "onnx":
        onnx_graph.write_onnx(network, folder / ONNX_FILE, quantization)
    else:
        spec = ctranslate2_spec.build_spec(network, vocabulary)
        spec.optimize(quantization or "float32")
        spec.save(str(folder))
        described = read_json(folder / "config.json") | described
    generation = generation_content(network, vocabulary, model.generation)
    free = {EXTRA: model.extra or None, GENERATION: generation or None}
    segments = sizes_of(network.config).segments > 1
    write_others(folder, {"config.json": described}, vocabulary, free, segments=segments)


def _agreement(
    original: LoadedModel,
    exported: LoadedModel,
    measured: tuple[Task[Any], Examples[Any]] | None,
) -> Agreement:
    found = compare(original, exported)
    if measured is None:
        return found
    return replace(found, scores=compare_scores(original, exported, *measured))


def _refuse(agreement: Agreement, quantization: str | None) -> None:
    most = LIMIT if quantization in (None, "float32") else float("inf")
    if not agreement.difference < most:
        raise UserError(
            f"the export's outputs differ by {agreement.difference:.2g} from the model's, where "
            f"less than {most:g} was expected; nothing was written"
        )
