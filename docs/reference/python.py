"""The page of the Python interface, from signatures and docstrings."""

import ast
from collections.abc import Iterator, Mapping

from docs.reference.markdown import code, page, plain, sentence, table
from docs.reference.source import (
    Function,
    Parameter,
    annotation,
    attributes,
    definition,
    fields,
    members,
    named_parameters,
    parameters,
    said_of,
    signature,
)

import headwater

_INTRODUCTION = """
# The Python interface

What `import headwater` offers, and what its functions give and take. Importing it imports no torch;
each name is fetched when it is first used.

A mistake of the caller's is a `headwater.UserError`, one line that tells what was expected. Any
other exception is a fault of the library.
"""

_SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Asking a model": (
        "headwater.inference.loaded.load",
        "headwater.inference.loaded.LoadedModel",
        "headwater.inference.answer.Answer",
        "headwater.inference.answer.Place",
        "headwater.inference.text_labels.Label",
        "headwater.inference.entities.Entity",
        "headwater.inference.gaps.Filling",
        "headwater.inference.token_stream.TokenStream",
    ),
    "Asking documents": (
        "headwater.documents.index.open_index",
        "headwater.documents.index.Index",
        "headwater.documents.asking.Asking",
        "headwater.documents.reply.Reply",
        "headwater.documents.reply.IndexAnswer",
        "headwater.documents.reply.Citation",
        "headwater.documents.hit.Hit",
        "headwater.documents.hit.Quote",
        "headwater.documents.index.Summary",
    ),
    "The old pipelines": (
        "headwater.pipelines.pipeline.pipeline",
        "headwater.pipelines.pipeline.Pipeline",
    ),
    "Training": (
        "headwater.runs.recipe.Recipe",
        "headwater.runs.recipe.PretrainRecipe",
        "headwater.runs.recipe.load_recipe",
        "headwater.runs.run.finetune",
        "headwater.runs.run.pretrain",
        "headwater.training.hooks.Outcome",
    ),
    "Tasks and scores": (
        "headwater.tasks.names.task",
        "headwater.data.task.Task",
        "headwater.tasks.writing.TextTask",
        "headwater.evaluation.evaluator.evaluate",
        "headwater.evaluation.evaluator.Evaluation",
        "headwater.evaluation.evaluator.Predictions",
    ),
    "Questions from documents": (
        "headwater.questions.generate.generate_questions",
        "headwater.questions.generate.Report",
    ),
    "Vocabularies": (
        "headwater.text.loading.load_vocabulary",
        "headwater.text.vocabulary.Vocabulary",
        "headwater.text.vocabulary.Encoding",
    ),
    "Errors": ("headwater.errors.UserError",),
}
"""What the page shows: all that `headwater` offers, and what goes in and out of it."""


_KEYS = {
    "Recipe": "settings.md#a-recipe-of-finetune",
    "PretrainRecipe": "settings.md#a-recipe-of-pretrain",
}

_ABSTRACT = ("ABC", "Generic", "Protocol")


def python_page() -> str:
    """Return the page."""
    shown = {name.rpartition(".")[2] for names in _SECTIONS.values() for name in names}
    if missing := set(headwater.__all__) - {"__version__"} - shown:
        raise ValueError(f"docs/reference/python.py: no section has {', '.join(sorted(missing))}")
    parts = [_INTRODUCTION]
    for title, names in _SECTIONS.items():
        parts.append(f"## {title}")
        for name in names:
            parts += _described(*name.rpartition(".")[::2])
    return page(*parts)


def _described(module: str, name: str) -> Iterator[str]:
    """Yield the paragraphs of a function or a class."""
    node = definition(module, name)
    public = name in headwater.__all__
    yield f"### `{name}`"
    if isinstance(node, ast.ClassDef):
        yield from _class(node, "headwater" if public else module)
    else:
        yield from _function(node, f"headwater.{name}" if public else f"{module}.{name}")


def _function(node: Function, shown: str) -> Iterator[str]:
    said = said_of(node, shown)
    if "." in shown:  # of a method, what is plain from its first line needs no more words
        names = [each.arg for each in named_parameters(node)]
        _check(shown, [name for name in names if name not in said.meanings])
    yield f"```python\n{signature(node, shown)}\n```"
    yield plain(said.text)
    yield _table("argument", parameters(node, said))
    if said.returns:
        yield f"Returns: {plain(said.returns)}"


def _class(node: ast.ClassDef, module: str) -> Iterator[str]:
    """Yield a class: what it is, its fields or attributes, its methods."""
    said = said_of(node, f"{module}.{node.name}")
    bases = [base for base in map(ast.unparse, node.bases) if not base.startswith(_ABSTRACT)]
    yield f"```python\nclass {module}.{node.name}{f'({bases[0]})' if bases else ''}\n```"
    yield plain(said.text)
    if node.name in _KEYS:
        yield f"Its fields are [the keys of a recipe]({_KEYS[node.name]})."
        return
    own = [(each, decorator) for each, decorator in members(node) if decorator == "property"]
    properties = [
        Parameter(each.name, annotation(each.returns), "", said_of(each, each.name).text)
        for each, _ in own
    ]
    given = [each for each in fields(node, said) if each.meaning or not bases]  # others: the base's
    _check(f"{module}.{node.name}", [each.name for each in given if not each.meaning])
    yield _table("attribute", [*given, *attributes(node, said), *properties])
    for each, decorator in members(node):
        inherited = bases and ast.get_docstring(each) is None  # said of the base
        if decorator != "property" and not inherited:
            yield f"#### `{node.name}{'' if each.name == '__call__' else f'.{each.name}'}`"
            yield from _function(each, _called(node, each))


def _check(where: str, unexplained: list[str]) -> None:
    """Refuse what the code does not explain."""
    if unexplained:
        raise ValueError(f"{where}: the docstring does not explain {', '.join(unexplained)}")


def _called(node: ast.ClassDef, method: Function) -> str:
    """Return what stands before the brackets of a call; an object is named like its class."""
    return node.name.lower() if method.name == "__call__" else method.name


def _table(name: str, rows: list[Parameter]) -> str:
    cells = (
        (code(each.name), code(each.type), code(each.default), plain(sentence(each.meaning)))
        for each in rows
    )
    return table((name, "type", "default", "meaning"), cells)
