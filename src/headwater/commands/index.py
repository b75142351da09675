"""`headwater index`: make an index of documents, keep it current, look into it, search it."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.commands.index_screen import print_files, print_hits, print_summary
from headwater.commands.terminal import (
    Device,
    Filters,
    Json,
    Model,
    Precision,
    argument,
    described,
    echo,
    option,
    path_argument,
    print_json,
    print_table,
    stopping,
)
from headwater.errors import UserError, counted

if TYPE_CHECKING:
    from headwater.documents.update import Options, Report
    from headwater.inference.loading import Loading

logger = logging.getLogger(__name__)

index = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

IndexFile = Annotated[Path, path_argument("An index of `build`.", "X.index")]
Include = Annotated[
    list[str] | None, option("Only files that match, such as '*.pdf'; repeatable.", "GLOB")
]
Exclude = Annotated[list[str] | None, option("No files or folders that match; repeatable.", "GLOB")]
Verify = Annotated[
    bool, option("Compare every file's content; try again what failed.", flag="--verify")
]
Vectors = Annotated[str | None, option("Find passages by the vectors of this model too.", "MODEL")]
EngineName = Annotated[
    str | None, option("What finds words [sqlite].", "sqlite|tantivy|postgresql://...", "--engine")
]
Seconds = Annotated[
    float, option("The most processor time for one file.", "SECONDS", min=1, max=86400)
]


@index.command("build")
@described("Index files and folders, or add them to an index; run again, it updates.")
def build_index(
    paths: Annotated[list[Path], path_argument("Files and folders with documents.", "PATH")],
    output: Annotated[Path, option("The index, one file.", "X.index")],
    include: Include = None,
    exclude: Exclude = None,
    vectors: Vectors = None,
    engine: EngineName = None,
    verify: Verify = False,
    time_limit: Seconds = 120,
    json: Json = False,
) -> None:
    from headwater.documents.update import build

    with stopping(f"the same command goes on from here ({output})"):
        options = _options(verify, time_limit)
        report = build(paths, output, include, exclude, options, vectors, engine)
    _say(report, output, json)


@index.command("update")
@described("Bring an index up to date with its files and folders.")
def update_index(
    index: IndexFile,
    include: Include = None,
    exclude: Exclude = None,
    verify: Verify = False,
    time_limit: Seconds = 120,
    json: Json = False,
) -> None:
    from headwater.documents.update import update

    with stopping(f"the same command goes on from here ({index})"):
        report = update(index, include, exclude, _options(verify, time_limit))
    _say(report, index, json)


@index.command("remove")
@described("Take files or folders out of an index, for good; the files themselves stay.")
def remove_from_index(
    index: IndexFile,
    paths: Annotated[list[Path], path_argument("Files and folders of the index.", "PATH")],
) -> None:
    from headwater.documents.update import remove

    with stopping(f"the same command goes on from here ({index})"):
        removed = remove(index, paths)
    logger.info(f"{counted(removed, 'file')} removed from {index}")


@index.command("show")
@described("Show what an index holds, and why files are not in it.")
def show_index(
    index: IndexFile,
    every: Annotated[bool, option("List every file.", flag="--all")] = False,
    verify: Annotated[
        bool, option("Read all of it first, to find damage.", flag="--verify")
    ] = False,
    json: Json = False,
) -> None:
    from dataclasses import asdict

    from headwater.documents.index import open_index

    with open_index(index) as opened:
        if verify:
            opened.verify()
        summary = opened.summary()
        if json:
            files = [asdict(row) for row in opened.files()]
            print_json(asdict(summary) | {"files": summary.files, "rows": files})
        else:
            print_summary(index, summary)
            print_files(opened.files(), every)


@index.command("calibrate")
@described("Choose on questions with answers how an index is asked, and keep it in the index.")
def calibrate_index(
    index: IndexFile,
    data: Annotated[
        list[Path], option("Questions that no reader was trained on; SQuAD or a table.", "FILE")
    ],
    model: Model = "reader",
    read: Annotated[int, option("How many passages are read.", min=1, max=10**6)] = 5,
    json: Json = False,
    precision: Precision = "auto",
    device: Device = "auto",
) -> None:
    from headwater.evaluation.index_calibration import calibrate_index as calibrate

    loading: Loading = {"device": device, "precision": precision}
    print_table(calibrate(index, data, model, read, **loading), json)


@index.command("search")
@described("Find the passages that a question's words lead to.")
def search_index(
    index: IndexFile,
    question: Annotated[str, argument("The question, or some words.")],
    top_k: Annotated[int, option("How many passages to show.", min=1, max=10**6)] = 5,
    filters: Filters = None,
    json: Json = False,
) -> None:
    from headwater.documents.index import open_index

    if not question.strip():
        raise UserError("the question is empty; give some words to search for")
    with open_index(index) as opened:
        hits = opened.search(question, top_k, filters or ())
    if json:
        print_json([hit.to_dict() for hit in hits])
    else:
        print_hits(hits, question, bool(filters))


def _options(verify: bool, time_limit: float) -> "Options":
    from headwater.documents.limits import Limits
    from headwater.documents.update import Options

    return Options(verify, Limits(seconds=time_limit))


def _say(report: "Report", index: Path, json: bool) -> None:
    """Say what was done."""
    from dataclasses import asdict

    if json:
        print_json(asdict(report))
        return
    found = {name: count for name, count in asdict(report).items() if count}
    shown = ", ".join(f"{count:,} {name}" for name, count in found.items())
    logger.info(f"files: {shown or 'none'}")
    if report.failed or report.skipped:
        logger.info(f"the reasons: headwater index show {index}")
    echo(index)
