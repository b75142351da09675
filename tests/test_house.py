"""The house rules that a program can check: sizes, words, no import circles."""

import ast
import re
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "headwater"
FILES = sorted(SOURCE.rglob("*.py"))
REPLACED = re.compile(r"\b(pieces?|begun|Tally|Headed|Labeller)\b", re.IGNORECASE)
"""Words for which docs/glossary.md has another."""


def functions(path: Path) -> list[tuple[str, int]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        (f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_files_and_functions_are_short() -> None:
    assert {str(each): lines(each) for each in FILES if lines(each) > 400} == {}
    assert [found for each in FILES for found in functions(each) if found[1] > 40] == []
    assert median(lines(each) for each in FILES if lines(each) > 1) <= 120


def test_the_words_are_those_of_the_glossary() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if REPLACED.search(line)
    ]
    assert found == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph("headwater", exclude_type_checking_imports=True)
    circles = [
        module
        for module in graph.modules
        if any(
            graph.find_shortest_chain(each, module) is not None
            for each in graph.find_modules_directly_imported_by(module)
        )
    ]
    assert circles == []
