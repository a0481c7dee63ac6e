"""The order in which declarations are checked: each after what it is made of.

What may be absent needs no checking first: the inside of `box<T>` and of `vector<T>:optional`, and
`T:optional`. Endpoints never need their protocols. What is left must have no cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeGuard

from ipcrt.fidl.constants import Const
from ipcrt.fidl.constraints import is_optional
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import (
    Alias,
    Builtin,
    ConstDecl,
    Decl,
    Element,
    NewType,
    Protocol,
    Resource,
    Service,
    ValueLayout,
)
from ipcrt.fidl.references import constants, refs_of, type_ctors
from ipcrt.fidl.types import TypeCtor

_SHOWN: Final = 12
DONE_BEFORE: Final = 3
"""The state of declarations of other libraries."""
Needs = Callable[[Decl], Iterator[Decl]]


def in_order(decls: list[Decl], reporter: Reporter) -> list[Decl]:
    """Answer the declarations so that each follows what it needs; report cycles."""
    return depth_first(decls, _needs, lambda cycle: _report_cycle(cycle, reporter))


def in_order_of_parts(decls: list[Decl]) -> list[Decl]:
    """Answer the declarations so that each follows whatever is in it, absent or not."""
    return depth_first(decls, _parts, lambda _cycle: None)


def depth_first(
    decls: list[Decl], needs: Needs, on_cycle: Callable[[list[Decl]], None]
) -> list[Decl]:
    """Walk from each declaration to what it needs, without recursion; answer them as left."""
    ordered: list[Decl] = []
    places: dict[Decl, int] = {}
    for root in decls:
        if root in places:
            continue
        places[root] = 0
        path = [root]
        waiting = [needs(root)]
        while path:
            needed = next(waiting[-1], None)
            if needed is None:
                waiting.pop()
                done = path.pop()
                places[done] = -1
                ordered.append(done)
            elif needed.state == DONE_BEFORE:
                continue
            elif needed not in places:
                places[needed] = len(path)
                path.append(needed)
                waiting.append(needs(needed))
            elif places[needed] >= 0:
                on_cycle([*path[places[needed] :], needed])
    return ordered


def _report_cycle(cycle: list[Decl], reporter: Reporter) -> None:
    names = [f"{decl.kind.value} '{decl.name}'" for decl in cycle]
    if len(names) > _SHOWN:
        names[_SHOWN // 2 : -_SHOWN // 2] = ["..."]
    reporter.error("fi-0057", cycle[0].span, " -> ".join(names))


def _needs(decl: Decl) -> Iterator[Decl]:
    """The declarations that one needs, itself among them where it contains itself."""
    yield from _element_needs(decl)
    if isinstance(decl, Protocol):
        for composed in decl.composed:
            if isinstance(composed.ref.target, Protocol):
                yield composed.ref.target
    for member in decl.each_member():
        yield from _element_needs(member)


def _element_needs(element: Element) -> Iterator[Decl]:
    for constant in constants(element):
        yield from _constant_needs(constant)
    for ctor in type_ctors(element):
        yield from _type_needs(ctor, True)


def _constant_needs(constant: Const) -> Iterator[Decl]:
    for ref in refs_of(constant):
        decl = ref.decl
        if isinstance(decl, ConstDecl | ValueLayout):
            yield decl


def _contains(target: Element | None, optional: bool) -> TypeGuard[Decl]:
    """True for a layout or new type that is there in any case."""
    if not isinstance(target, Decl) or isinstance(target, Protocol | Service):
        return False
    return not optional or isinstance(target, NewType)


def _type_needs(ctor: TypeCtor, inside: bool) -> Iterator[Decl]:
    """What a type needs; where not `inside`, it may be absent."""
    target = ctor.layout.target
    optional = any(is_optional(found) for found in ctor.constraints)
    if isinstance(target, Builtin):
        inside = inside and target.name != "box" and not (target.name == "vector" and optional)
    elif isinstance(target, Alias | Resource | ConstDecl) or (
        inside and _contains(target, optional)
    ):
        yield target
    for parameter in ctor.parameters:
        if parameter.ctor is not None:
            yield from _type_needs(parameter.ctor, inside)
    for constraint in ctor.constraints:
        yield from _constant_needs(constraint)


def _parts(decl: Decl) -> Iterator[Decl]:
    for element in (decl, *decl.each_member()):
        for ctor in type_ctors(element):
            yield from _type_parts(ctor)


def _type_parts(ctor: TypeCtor) -> Iterator[Decl]:
    target = ctor.layout.target
    if isinstance(target, Decl) and not isinstance(target, Protocol | Service | Builtin):
        yield target
    for parameter in ctor.parameters:
        if parameter.ctor is not None:
            yield from _type_parts(parameter.ctor)
