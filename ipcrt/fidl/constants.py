"""Constants and references as the checker holds them: what was written, and what it came to."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ipcrt.fidl.ast import LiteralKind
    from ipcrt.fidl.elements import Decl, Element
    from ipcrt.fidl.source import Span
    from ipcrt.fidl.types import Type

Value: TypeAlias = bool | int | float | str


class RefState(enum.IntEnum):
    """How far a reference has come."""

    RAW = 0
    KEY = 1
    CONTEXTUAL = 2
    RESOLVED = 3
    FAILED = 4


@dataclasses.dataclass(slots=True, eq=False)
class Ref:
    """A name somewhere in a library, or an invisible reference to an anonymous layout."""

    span: Span
    parts: tuple[str, ...]
    state: RefState = RefState.RAW
    synthetic: bool = False
    library: str = ""
    name: str = ""
    member: str | None = None
    target: Element | None = None
    parent: Decl | None = None

    @property
    def text(self) -> str:
        """The name as written."""
        return ".".join(self.parts)

    @property
    def decl(self) -> Decl | None:
        """The declaration it leads to, or whose member it leads to."""
        return self.parent if self.parent is not None else self.target  # type: ignore[return-value]

    def resolve(self, target: Element, parent: Decl | None = None) -> None:
        """Found it."""
        self.target, self.parent, self.state = target, parent, RefState.RESOLVED

    def copy(self) -> Ref:
        """A reference to the same name, to be resolved anew."""
        return Ref(
            self.span,
            self.parts,
            self.state,
            self.synthetic,
            self.library,
            self.name,
            self.member,
            self.target,
            self.parent,
        )


@dataclasses.dataclass(slots=True, eq=False)
class LiteralConst:
    """A literal, and its value once compiled."""

    span: Span
    kind: LiteralKind
    text: str
    doc: str | None = None
    tried: bool = False
    value: Value | None = None
    type: Type | None = None

    def copy(self) -> LiteralConst:
        """The same, not yet compiled."""
        return LiteralConst(self.span, self.kind, self.text, self.doc)


@dataclasses.dataclass(slots=True, eq=False)
class RefConst:
    """A constant named elsewhere, and its value once compiled."""

    span: Span
    ref: Ref
    tried: bool = False
    value: Value | None = None
    type: Type | None = None

    def copy(self) -> RefConst:
        """The same, not yet compiled."""
        return RefConst(self.span, self.ref.copy())


@dataclasses.dataclass(slots=True, eq=False)
class OrConst:
    """`left | right`, and its value once compiled."""

    span: Span
    left: Const
    right: Const
    tried: bool = False
    value: Value | None = None
    type: Type | None = None

    def copy(self) -> OrConst:
        """The same, not yet compiled."""
        return OrConst(self.span, self.left.copy(), self.right.copy())


Const: TypeAlias = LiteralConst | RefConst | OrConst
