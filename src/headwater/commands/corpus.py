"""`headwater corpus`: clean raw text, make a token store of it, or look into either."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headwater.commands.terminal import (
    Json,
    TextField,
    Texts,
    argument,
    described,
    echo,
    option,
    path_argument,
    print_json,
    stopping,
)
from headwater.errors import UserError

if TYPE_CHECKING:
    from headwater.text.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

corpus = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Pages = Annotated[
    list[Path], path_argument(".txt, .jsonl, .parquet, .wet.gz, .warc.gz, or folders.", "INPUT")
]
BadWords = Annotated[
    Path | None, option("Words, one a line; pages that hold one are dropped.", "FILE")
]
Executor = Annotated[str, option("Where to run it: local, slurm or ray.", "E")]
ShardExecutor = Annotated[
    str | None, option("Make it in shards there: local, slurm or ray.", "E", flag="--executor")
]
ShardWorkers = Annotated[
    int | None, option("Make it in shards, so many at a time.", "N", flag="--workers", min=1)
]
ExecutorSettings = Annotated[
    list[str] | None, option("Such as executor.time=1:00:00.", "a.b=VALUE", flag="--set")
]
TasksAtATime = Annotated[
    int | None, option("How many tasks at a time [every processor].", "N", min=1)
]
CleaningSettings = Annotated[
    list[str] | None, option("Such as rules.min_words=5; repeatable.", "a.b=VALUE", flag="--set")
]


@corpus.command("build")
@described("Turn raw text into a token store, which pre-training reads.")
def build_store(
    inputs: Texts,
    vocabulary: Annotated[Path, option("Its folder or its file.", "PATH")],
    output: Annotated[Path, option("The token store to make.", "DIR")],
    text_field: TextField = "text",
    without: Annotated[
        list[Path] | None, option("Held-out text; what overlaps is dropped; repeatable.", "FILE")
    ] = None,
    workers: ShardWorkers = None,
    executor: ShardExecutor = None,
    settings: ExecutorSettings = None,
) -> None:
    from headwater.corpus.build import build
    from headwater.text.loading import load_vocabulary

    read = load_vocabulary(vocabulary)
    given: dict[str, Any] = {"field": text_field, "excluded": without or ()}
    if workers is not None or executor is not None:
        _build_shards(inputs, read, output, workers, executor or "local", settings or [], **given)
        return
    if settings:
        raise UserError("--set: executor.KEY is for --executor slurm or ray; name one")
    with stopping("nothing was written"):
        build(inputs, read, output, **given)
    echo(output)


def _build_shards(
    inputs: list[Path],
    vocabulary: "Vocabulary",
    output: Path,
    workers: int | None,
    executor: str,
    settings: list[str],
    **given: Any,
) -> None:
    from headwater.config import load_config
    from headwater.corpus.build_shards import ShardConfig, build_shards

    given["options"] = load_config(ShardConfig, None, settings, {}).executor
    with stopping("the same command goes on from here"):
        made = build_shards(inputs, vocabulary, output, workers=workers, executor=executor, **given)
    if made is None:
        logger.info(f"handed to Slurm; its last job makes {output}")
    else:
        echo(output)


@corpus.command("clean")
@described("Drop what is no good text from web pages, by the rules of the T5 paper's C4.")
def clean_pages(
    inputs: Pages,
    output: Annotated[Path, option("Gets kept/, dropped/, report.json.", "DIR")],
    bad_words: BadWords = None,
    text_field: TextField = "text",
    executor: Executor = "local",
    workers: TasksAtATime = None,
    settings: CleaningSettings = None,
    json: Json = False,
) -> None:
    from headwater.config import load_config
    from headwater.corpus.cleaning.clean import clean
    from headwater.corpus.cleaning.report import table
    from headwater.corpus.cleaning.rules import CleaningConfig

    config = load_config(CleaningConfig, None, settings or [], {})
    options = {"field": text_field, "executor": executor}
    with stopping("the same command goes on from here"):
        report = clean(
            inputs, output, bad_words=bad_words, config=config, workers=workers, **options
        )
    if report is None:
        logger.info(f"handed to Slurm; its last job makes {output}")
    elif json:
        print_json(report.model_dump(mode="json"))
    else:
        echo("\n".join(table(report)), error=True)
        echo(output)


@corpus.command("show")
@described("Show a token store and some documents, or kept and dropped pages side by side.")
def show_store(
    store: Annotated[Path, argument("A token store, or a folder of `clean`.", "STORE")],
    document: Annotated[int | None, option("Show this document whole, from 0 on.", "N")] = None,
    count: Annotated[int | None, option("How many documents to show.", "K", min=0)] = None,
    verify: Annotated[bool, option("Compare the checksums first.", flag="--verify")] = False,
    rule: Annotated[str | None, option("Only pages that this rule dropped.", "RULE")] = None,
    json: Json = False,
) -> None:
    from headwater.corpus.cleaning.report import is_cleaned

    count = (3 if document is None else 1) if count is None else count
    if not is_cleaned(store):
        if rule is not None:
            raise UserError(f"--rule {rule}: {store} is not a folder of `corpus clean`")
        _show_store(store, document, count, verify, json)
    elif verify:
        raise UserError("--verify: a folder of `corpus clean` has no checksums; leave it out")
    else:
        _show_pages(store, rule, document, count, json)


def _show_store(folder: Path, document: int | None, count: int, verify: bool, json: bool) -> None:
    from headwater.commands.store_layout import print_store
    from headwater.corpus.remote_store import local_folder
    from headwater.corpus.shards import open_store
    from headwater.corpus.show import summary, texts

    store = open_store(local_folder(folder))
    if verify:
        store.verify()
    shown = texts(store, document, count)
    if json:
        print_json(summary(store) | {"texts": shown})
    else:
        print_store(store.info, shown)


def _show_pages(
    folder: Path, rule: str | None, document: int | None, count: int, json: bool
) -> None:
    from headwater.commands.store_layout import print_pages
    from headwater.corpus.show import pages_of

    found = pages_of(folder, rule, document, count)
    if json:
        print_json(found)
    else:
        print_pages(found, folder, whole=document is not None)
