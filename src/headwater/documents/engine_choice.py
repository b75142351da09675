"""Which engine finds words for an index: SQLite's own, tantivy, or PostgreSQL.

sqlite                         the index's own full text
tantivy                        a folder beside the index, X.index.tantivy
postgresql://HOST/DATABASE     a table of a database
"""

import uuid
from importlib.util import find_spec
from pathlib import Path

from headwater.documents.engine import Engine
from headwater.errors import UserError

SQLITE, TANTIVY, POSTGRESQL = "sqlite", "tantivy", "postgresql"
_URLS = (f"{POSTGRESQL}://", "postgres://")


def engine_setting(choice: str) -> dict[str, str]:
    """Return what an index remembers of an engine; what it needs must be installed."""
    if choice.startswith(_URLS):
        _need("psycopg", POSTGRESQL)
        from psycopg import Error
        from psycopg.conninfo import conninfo_to_dict

        try:
            secret = conninfo_to_dict(choice).get("password")
        except Error:  # whose text quotes the URL, and so a password
            raise UserError(
                f"--engine: not a URL of a database; {_URLS[0]}HOST/DATABASE was expected"
            ) from None
        if secret is not None:
            raise UserError(
                "--engine: the URL has a password, which the index would keep; put it into "
                "~/.pgpass or PGPASSWORD"
            )
        from headwater.documents.postgres_search import connected

        with connected(choice):
            return {"name": POSTGRESQL, "url": choice}
    if choice == TANTIVY:
        _need("tantivy", TANTIVY)
    elif choice != SQLITE:
        raise UserError(
            f"--engine {choice[:40]!r}: {SQLITE}, {TANTIVY} or {_URLS[0]}HOST/DATABASE was expected"
        )
    return {"name": choice}


def with_table(setting: dict[str, str]) -> dict[str, str]:
    """Return a setting with what only this index has: of PostgreSQL a table with a new name."""
    if setting["name"] != POSTGRESQL:
        return setting
    return setting | {"table": f"headwater_{uuid.uuid4().hex[:16]}"}


def is_same(setting: dict[str, str], before: dict[str, str], index: Path) -> bool:
    """Tell whether an index has that engine already."""
    if setting["name"] == TANTIVY and not tantivy_folder(index).is_dir():
        return False
    known = before or {"name": SQLITE}
    return {key: known.get(key) for key in setting} == setting


def other_engine(setting: dict[str, str], index: Path) -> Engine | None:
    """Open the engine of an index; None: SQLite's."""
    name = setting.get("name", SQLITE)
    if name == TANTIVY:
        _need("tantivy", TANTIVY)
        from headwater.documents.tantivy_search import TantivySearch

        return TantivySearch(tantivy_folder(index))
    if name == POSTGRESQL:
        _need("psycopg", POSTGRESQL)
        from headwater.documents.postgres_search import PostgresSearch

        return PostgresSearch(setting["url"], setting["table"])
    return None


def tantivy_folder(index: Path) -> Path:
    """Return where tantivy keeps what it knows of an index."""
    return index.with_name(f"{index.name}.tantivy")


def _need(library: str, extra: str) -> None:
    if find_spec(library) is None:
        raise UserError(
            f"the engine {extra} needs {library}: pip install 'headwater[{extra}]', or take "
            f"--engine {SQLITE}"
        )
