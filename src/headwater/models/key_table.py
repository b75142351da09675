"""One reversible table between our names of tensors and those of published checkpoints.

A table pairs *modules*; the leaf (`weight`, `bias`) is the same on both sides, `{n}` a layer's
number. So `body.layers.3.attention.norm.weight` is `bert.encoder.layer.3.attention.output
.LayerNorm.weight`, in both directions. Free of torch.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from headwater.models.config import HeadName

Modules = Mapping[str, str]
"""Our module name -> theirs."""


@dataclass(frozen=True, slots=True)
class HeadKeys:
    """A head's own modules, and the class that the published code gives to body and head."""

    architecture: str
    modules: Modules


@final
@dataclass(frozen=True, slots=True)
class KeyTable:
    """How checkpoints of one `model_type` name and lay out their tensors.

    Attributes:
        prefix: of the body's keys when a head stands on it; a bare body is written without.
        body: the body's modules.
        heads: by our head's name; None is the bare body.
        tied: a second name of a tensor -> the tensor itself. May be absent; if present, equal.
        renamed: a second name, by which the published code computes -> that in the table.
        ignored: keys (whole, regular expressions) that hold nothing to load.
        optional: submodules of a bare body that a folder may lack.
        output: the tensor of an output layer of its own -> the embedding that it may be tied to.
        shared: a decoder's table of token embeddings -> the encoder's, which it may be. The
            published code wants both names in the file.
        copied: modules of a decoder -> those of the encoder that stand for both. The published code
            wants both in the file; if the first are there, they are equal.
        bodies: further classes that hold all tensors of the model without a head, where that is
            more than a body: its output is tied. It is written with the prefix.
        unsaved: what begins our names of tensors that pre-training alone needs.
        transposed: modules whose weight stands as `[inputs, outputs]` in the file.
        fused: a module of the file -> its parts, along the outputs; see `checkpoints.state_dict`.
    """

    prefix: str
    body: Modules
    heads: Mapping[HeadName | None, HeadKeys]
    tied: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    output: tuple[str, str] | None = None
    shared: tuple[str, str] | None = None
    copied: Modules = field(default_factory=dict)
    bodies: tuple[str, ...] = ()
    unsaved: str = "-"
    transposed: frozenset[str] = frozenset()
    fused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def modules(self, head: HeadName | None) -> dict[str, str]:
        """Return our module name -> theirs for a body with that head."""
        return {**self.body, **self.heads[head].modules}

    def token_embeddings(self) -> str | None:
        """Return the name of the table of token embeddings, where an output may share it."""
        return self.output[1] if self.output else next(iter(self.tied.values()), None)

    def known(self) -> set[str]:
        """Return all their module names, of every head."""
        heads = (head.modules.values() for head in self.heads.values())
        return set(self.body.values()).union(*heads)

    def ignores(self, name: str) -> bool:
        """Tell whether a tensor of that name holds nothing to load."""
        return any(re.fullmatch(pattern, name) for pattern in self.ignored)

    def head_of(self, architecture: str) -> HeadName | None:
        """Return the head that a published class has; KeyError when it is not in the table."""
        if architecture in self.bodies:
            return None
        for name, head in self.heads.items():
            if head.architecture == architecture:
                return name
        raise KeyError(architecture)

    def architectures(self) -> list[str]:
        """Return the published classes that can be read."""
        return sorted({*self.bodies, *(head.architecture for head in self.heads.values())})

    def whole_name(self, name: str) -> str:
        """Bring a key of a file to the full modern form: the body's prefix, no gamma and beta."""
        name = re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", name))
        whole = self.prefix + name
        bare = dict.fromkeys([*self.modules(None).values(), *self.fused], "")
        return name if translate(whole, bare) is None and not self.ignores(whole) else whole

    def name_in_file(self, name: str, head: HeadName | None) -> str:
        """Return the published name of a tensor of a model with that head."""
        whole = name if head is not None else f"body.{name}"
        theirs = translate(whole, self.modules(head))
        assert theirs is not None, whole
        return theirs if head is not None or self.bodies else theirs.removeprefix(self.prefix)


def numbered(module: str) -> tuple[str, str]:
    """Split a layer's number off: "h.3.ln_1" -> ("h.{n}.ln_1", "3"); "" where there is none."""
    number = re.search(r"(?<=\.)\d+(?=\.|$)", module)
    if number is None:
        return module, ""
    return f"{module[: number.start()]}{{n}}{module[number.end() :]}", number.group()


def translate(name: str, modules: Modules) -> str | None:
    """Return the other side's name of a tensor, or None when the table has it not.

    A table may hold a tensor, with its leaf, that is named otherwise than its module.
    """
    if name in modules:
        return modules[name]
    module, _, leaf = name.rpartition(".")
    if module in modules:
        return f"{modules[module]}.{leaf}"
    pattern, number = numbered(module)
    other = modules.get(pattern)
    return None if other is None else f"{other.replace('{n}', number)}.{leaf}"
