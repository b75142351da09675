"""Functions and classes as their source has them, read without importing it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docs.reference.docstrings import Said, read_docstring
from docs.reference.keys import docstrings_of_fields

SOURCE = Path(__file__).resolve().parents[2] / "src"
Function = ast.FunctionDef | ast.AsyncFunctionDef
_WIDTH = 88


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function, or a field of a class, as its source writes it."""

    name: str
    type: str
    default: str
    meaning: str


def definition(module: str, name: str) -> ast.ClassDef | Function:
    """Return what a module defines under a name; of overloads the last, which has the body."""
    path = SOURCE / f"{module.replace('.', '/')}.py"
    found: ast.ClassDef | Function | None = None
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | Function) and node.name == name:
            found = node
    if found is None:
        raise ValueError(f"{module} defines no {name}")
    return found


def signature(node: Function, name: str) -> str:
    """Return how a function is called, on one line or with a line for each parameter."""
    parts = [written for written, _ in _parameters(node)]
    given = f" -> {annotation(node.returns)}" if node.returns is not None else ""
    line = f"{name}({', '.join(parts)}){given}"
    if len(line) <= _WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){given}"


def parameters(node: Function, said: Said) -> list[Parameter]:
    """Return the parameters of a function that its docstring explains."""
    return [
        Parameter(each.arg, annotation(each.annotation), "", said.meanings[each.arg])
        for each in named_parameters(node)
        if each.arg in said.meanings
    ]


def named_parameters(node: Function) -> list[ast.arg]:
    """Return the parameters of a function, without `self`."""
    return [each for _, each in _parameters(node) if each is not None]


def fields(node: ast.ClassDef, said: Said) -> list[Parameter]:
    """Return the fields that a class declares or explains, with their types and defaults."""
    below = dict(docstrings_of_fields(node))
    found = []
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            name, kind = each.target.id, annotation(each.annotation)
            if name[0] != "_" and not kind.startswith("ClassVar"):
                meaning = below.get(name) or said.meanings.get(name, "")
                found.append(Parameter(name, kind, _default(each.value), meaning))
    return found


def attributes(node: ast.ClassDef, said: Said) -> list[Parameter]:
    """Return what a class sets on itself and its docstring explains."""
    stored = (each for each in ast.walk(node) if isinstance(each, ast.Attribute))
    own = {each.attr for each in stored if isinstance(each.ctx, ast.Store)}
    return [Parameter(name, "", "", said.meanings[name]) for name in said.meanings if name in own]


def members(node: ast.ClassDef) -> Iterator[tuple[Function, str]]:
    """Yield the public methods and properties of a class, with what decorates each."""
    for each in node.body:
        if not isinstance(each, Function) or (each.name[0] == "_" and each.name != "__call__"):
            continue
        decorators = [ast.unparse(decorator) for decorator in each.decorator_list]
        if "overload" not in decorators:
            yield each, next(iter(decorators), "")


def said_of(node: ast.ClassDef | Function, where: str) -> Said:
    """Return what a docstring says; one that is missing is a mistake of the code."""
    docstring = ast.get_docstring(node)
    if not docstring:
        raise ValueError(f"{where} has no docstring; write it")
    return read_docstring(docstring, set(_names(node)))


def annotation(node: ast.expr | None) -> str:
    """Return a type as it is meant: without quotation marks around the whole."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return "" if node is None else _unparsed(node)


def _names(node: ast.ClassDef | Function) -> Iterator[str]:
    """Yield what a docstring may explain: parameters, fields, attributes."""
    if not isinstance(node, ast.ClassDef):
        yield from (each.arg for _, each in _parameters(node) if each is not None)
        return
    for inner in ast.walk(node):
        if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
            yield inner.target.id
        elif isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
            yield inner.attr
        elif isinstance(inner, ast.arg):
            yield inner.arg


def _parameters(node: Function) -> Iterator[tuple[str, ast.arg | None]]:
    """Yield the parameters of a function as they are written, and the marks between them."""
    given = node.args
    plain = [*given.posonlyargs, *given.args]
    usual = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    for index, (each, default) in enumerate(zip(plain, usual, strict=True)):
        if each.arg not in ("self", "cls"):
            yield _parameter(each, default), each
        if given.posonlyargs and index + 1 == len(given.posonlyargs):
            yield "/", None
    if given.vararg is not None:
        yield f"*{_parameter(given.vararg, None)}", given.vararg
    elif given.kwonlyargs:
        yield "*", None
    for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield _parameter(each, default), each
    if given.kwarg is not None:
        yield f"**{_parameter(given.kwarg, None)}", given.kwarg


def _parameter(node: ast.arg, default: ast.expr | None) -> str:
    kind = annotation(node.annotation)
    if default is None:
        return f"{node.arg}: {kind}" if kind else node.arg
    return f"{node.arg}: {kind} = {_unparsed(default)}"


def _default(node: ast.expr | None) -> str:
    """Return the default of a field; of a factory what it makes."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "field":
        given = {each.arg: _unparsed(each.value) for each in node.keywords}
        factory = given.get("default_factory")
        return given.get("default", "") if factory is None else f"{factory}()"
    return "" if node is None else _unparsed(node)


def _unparsed(node: ast.expr) -> str:
    """Return the source of an expression with the quotation marks of this project."""
    source = ast.unparse(node)
    return source if '"' in source else source.replace("'", '"')
