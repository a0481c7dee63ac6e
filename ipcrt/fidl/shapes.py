"""What values take on the wire, in version 2 of FIDL's wire format.

Sizes that grow without bound stay at the greatest; sums that exceed 32 bits where a size must be
exact are reported. A type that contains itself has no bound on depth and on what is out of line.
"""

from __future__ import annotations

from typing import Final

from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import Decl, FieldLayout, Kind, NewType, ValueLayout
from ipcrt.fidl.library import PRIMITIVES, Library
from ipcrt.fidl.order import in_order_of_parts
from ipcrt.fidl.references import type_ctors
from ipcrt.fidl.source import Span
from ipcrt.fidl.types import (
    MAX_SIZE,
    ArrayType,
    BoxType,
    EndpointType,
    HandleType,
    IdentifierType,
    PointerType,
    PrimitiveType,
    Shape,
    StringType,
    Type,
    TypeCtor,
    VectorType,
)

MAX_INLINE_SIZE: Final = (1 << 16) - 1
_ENVELOPE_INLINE: Final = 4
_CYCLE: Final = Shape(depth=MAX_SIZE, max_out_of_line=MAX_SIZE)
_MAX_DEPTH: Final = 60
"""How deep a cycle is followed; what is longer is taken for endless at once."""
_BUDGET: Final = 250
"""How many declarations of a tangle of cycles are looked at for one shape."""
_HANDLE: Final = Shape(4, 4, max_handles=1)
_NUMBERS: Final = {size: Shape(size, size) for size in (1, 2, 4, 8)}


def _padding(size: int, alignment: int) -> int:
    return -size % alignment


def _cap(value: int) -> int:
    return min(value, MAX_SIZE)


def shape_library(library: Library, reporter: Reporter) -> None:
    """Give every declaration, and every type in it, its shape."""
    shaper = Shaper(reporter)
    for decl in in_order_of_parts(library.order):
        shaper.declaration(decl)
    for element in library.each_element():
        for ctor in type_ctors(element):
            shaper.ctor(ctor)
    for decl in library.decls:
        if isinstance(decl, FieldLayout) and decl.kind is Kind.STRUCT and decl.shape is not None:
            size = decl.shape.inline_size
            if size > MAX_INLINE_SIZE:
                reporter.error("fi-0111", decl.span, decl.name, size, MAX_INLINE_SIZE)


class Shaper:
    """Finds shapes; whatever is found once is kept."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._span: Span | None = None
        self._depth = 0
        self._budget = _BUDGET

    def declaration(self, decl: Decl) -> None:
        """Shape a declaration that has a shape, as the outermost."""
        self._budget = _BUDGET
        if isinstance(decl, FieldLayout | ValueLayout | NewType) and decl.shape is None:
            decl.shape = self._compute_decl(decl)

    def ctor(self, ctor: TypeCtor | None) -> None:
        """Shape a type as written, and the types in it."""
        if ctor is None or ctor.type is None:
            return
        self._span = ctor.span
        type_: Type | None = ctor.type
        while type_ is not None:
            self.type(type_)
            type_ = _inner(type_)

    def type(self, type_: Type) -> Shape:
        """Shape a type, as the outermost."""
        if type_.shape is None:
            type_.shape = self._compute(type_)
        return type_.shape

    # ---- what is kept, and where a cycle is cut

    def _shape(self, type_: Type) -> Shape:
        if type_.shape is not None:
            return type_.shape
        found = self._compute(type_)
        if found.depth != MAX_SIZE:
            type_.shape = found
        return found

    def _compute(self, type_: Type) -> Shape:
        if type_.shaping:
            return _CYCLE
        type_.shaping = True
        found = _bound_handles(self._type(type_))
        type_.shaping = False
        return found

    def _decl(self, decl: Decl) -> Shape:
        if decl.shape is not None:
            return decl.shape
        found = self._compute_decl(decl)
        if found.depth != MAX_SIZE:
            decl.shape = found
        return found

    def _compute_decl(self, decl: Decl) -> Shape:
        if decl.shaping or self._depth > _MAX_DEPTH or self._budget < 0:
            return _CYCLE
        decl.shaping = True
        self._depth += 1
        self._budget -= 1
        outer, self._span = self._span, decl.span
        found = _bound_handles(self._layout(decl))
        self._span = outer
        decl.shaping = False
        self._depth -= 1
        return found

    # ---- types

    def _type(self, type_: Type) -> Shape:
        if isinstance(type_, PrimitiveType):
            return _NUMBERS[PRIMITIVES[type_.subtype]]
        if isinstance(type_, IdentifierType):
            return self._decl(type_.decl)
        if isinstance(type_, StringType):
            size = MAX_SIZE if type_.size is None else type_.size
            return Shape(16, 8, 1, 0, _cap(size + _padding(size, 8)), True)
        if isinstance(type_, VectorType):
            return self._vector(type_)
        if isinstance(type_, ArrayType):
            return self._array(type_)
        if isinstance(type_, HandleType | EndpointType):
            return _HANDLE
        if isinstance(type_, BoxType):
            return self._box(self._shape(type_.boxed))
        if isinstance(type_, PointerType):
            inner = self._shape(type_.pointee)
            return Shape(8, 8, _cap(inner.depth + 1), inner.max_handles, inner.max_out_of_line)
        return _NUMBERS[4]

    def _vector(self, type_: VectorType) -> Shape:
        count = MAX_SIZE if type_.size is None else type_.size
        element = self._shape(type_.element)
        size = _cap(count * element.inline_size)
        return Shape(
            16,
            8,
            _cap(element.depth + 1),
            _cap(count * element.max_handles),
            _cap(size + _padding(size, 8) + _cap(count * element.max_out_of_line)),
            element.has_padding or element.inline_size % 8 != 0,
            element.has_flexible_envelope,
        )

    def _array(self, type_: ArrayType) -> Shape:
        element = self._shape(type_.element)
        return Shape(
            self._exact(type_.count, "*", element.inline_size),
            element.alignment,
            element.depth,
            _cap(type_.count * element.max_handles),
            _cap(type_.count * element.max_out_of_line),
            element.has_padding,
            element.has_flexible_envelope,
        )

    def _box(self, inner: Shape) -> Shape:
        padding = _padding(inner.inline_size, 8)
        return Shape(
            8,
            8,
            _cap(inner.depth + 1),
            inner.max_handles,
            _cap(inner.inline_size + padding + inner.max_out_of_line),
            inner.has_padding or padding != 0,
            inner.has_flexible_envelope,
        )

    # ---- layouts

    def _layout(self, decl: Decl) -> Shape:
        if isinstance(decl, ValueLayout):
            return self._of(decl.subtype)
        if isinstance(decl, NewType):
            return self._of(decl.ctor)
        assert isinstance(decl, FieldLayout)
        if decl.kind is Kind.STRUCT:
            return self._struct(decl)
        if decl.kind is Kind.OVERLAY:
            return self._overlay(decl)
        envelopes = [_envelope(self._of(member.ctor)) for member in decl.members]
        if decl.kind is Kind.TABLE:
            return _table(decl, envelopes)
        return _union(decl, envelopes)

    def _of(self, ctor: TypeCtor) -> Shape:
        if ctor.type is None:
            return Shape()
        return self._shape(ctor.type)

    def _struct(self, decl: FieldLayout) -> Shape:
        size, alignment, depth, handles, out_of_line = 0, 1, 0, 0, 0
        has_padding = flexible = False
        previous = None
        for member in decl.members:
            shape = self._of(member.ctor)
            padding = _padding(size, shape.alignment)
            member.offset = self._exact(size, "+", padding)
            if previous is not None:
                previous.padding = padding
            size = self._exact(member.offset, "+", shape.inline_size)
            alignment = max(alignment, shape.alignment)
            depth = max(depth, shape.depth)
            handles = _cap(handles + shape.max_handles)
            out_of_line = _cap(out_of_line + shape.max_out_of_line)
            has_padding = has_padding or shape.has_padding or padding != 0
            flexible = flexible or shape.has_flexible_envelope
            previous = member
        if previous is None:
            return Shape(1, 1)
        previous.padding = _padding(size, alignment)
        size = self._exact(size, "+", previous.padding)
        has_padding = has_padding or previous.padding != 0
        return Shape(size, alignment, depth, handles, out_of_line, has_padding, flexible)

    def _overlay(self, decl: FieldLayout) -> Shape:
        shapes = [self._of(member.ctor) for member in decl.members]
        sizes = [shape.inline_size for shape in shapes]
        largest = max(sizes, default=0)
        payload = self._exact(largest, "+", _padding(largest, 8))
        return Shape(
            self._exact(payload, "+", 8),
            8,
            max((shape.depth for shape in shapes), default=0),
            max((shape.max_handles for shape in shapes), default=0),
            max((shape.max_out_of_line for shape in shapes), default=0),
            any(shape.has_padding for shape in shapes) or min(sizes, default=MAX_SIZE) != payload,
            any(shape.has_flexible_envelope for shape in shapes),
        )

    def _exact(self, left: int, operator: str, right: int) -> int:
        found = left + right if operator == "+" else left * right
        if found <= MAX_SIZE:
            return found
        self._reporter.error("fi-0207", self._span, left, operator, right)
        return 0


def _inner(type_: Type) -> Type | None:
    """What is in a type that holds another."""
    if isinstance(type_, ArrayType | VectorType):
        return type_.element
    if isinstance(type_, BoxType):
        return type_.boxed
    return type_.pointee if isinstance(type_, PointerType) else None


def _bound_handles(shape: Shape) -> Shape:
    """What contains itself and a handle may have any number of handles."""
    if shape.depth != MAX_SIZE or shape.max_handles in (0, MAX_SIZE):
        return shape
    return Shape(
        shape.inline_size,
        shape.alignment,
        shape.depth,
        MAX_SIZE,
        shape.max_out_of_line,
        shape.has_padding,
        shape.has_flexible_envelope,
    )


def _envelope(inner: Shape) -> Shape:
    inlined = inner.inline_size <= _ENVELOPE_INLINE
    padding = _padding(inner.inline_size, 4 if inlined else 8)
    out_of_line = 0 if inlined else _cap(inner.inline_size + padding)
    return Shape(
        8,
        8,
        _cap(inner.depth + 1),
        inner.max_handles,
        _cap(inner.max_out_of_line + out_of_line),
        inner.has_padding or padding != 0 or inlined,
        inner.has_flexible_envelope,
    )


def _table(decl: FieldLayout, envelopes: list[Shape]) -> Shape:
    ordinals = max((member.ordinal for member in decl.members), default=0)
    out_of_line = sum(shape.max_out_of_line for shape in envelopes)
    return Shape(
        16,
        8,
        _cap(max((shape.depth for shape in envelopes), default=0) + 1),
        _cap(sum(shape.max_handles for shape in envelopes)),
        _cap(out_of_line + 8 * ordinals),
        any(shape.has_padding for shape in envelopes),
        True,
    )


def _union(decl: FieldLayout, envelopes: list[Shape]) -> Shape:
    return Shape(
        16,
        8,
        max((shape.depth for shape in envelopes), default=1),
        max((shape.max_handles for shape in envelopes), default=0),
        max((shape.max_out_of_line for shape in envelopes), default=0),
        True,
        not decl.strict or any(shape.has_flexible_envelope for shape in envelopes),
    )
