"""Constraints of a type: resolved one after the other, each kind at most once, in a fixed order.

A type's kinds of constraints are tried in their order; a constraint takes the next kind that it
can be. Applied to an alias, they join what the alias has, and may not say it again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ipcrt.fidl.constants import Const, LiteralConst, RefConst
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import Builtin, Protocol, Resource
from ipcrt.fidl.evaluate import Evaluator
from ipcrt.fidl.source import Span
from ipcrt.fidl.types import HandleType, TypeCtor


def is_optional(constant: Const) -> bool:
    """True for the built-in `optional`."""
    if not isinstance(constant, RefConst):
        return False
    target = constant.ref.target
    return isinstance(target, Builtin) and target.name == "optional"


@dataclasses.dataclass(slots=True)
class Found:
    """What the constraints of one use came to, and the constants that said so."""

    size: int | None = None
    nullable: bool = False
    protocol: Protocol | None = None
    subtype: int | None = None
    subtype_name: str = "handle"
    rights: int | None = None
    raw: dict[str, Const] = dataclasses.field(default_factory=dict[str, Const])


Resolve = Callable[[Const, Found], bool]


class ConstraintResolver:
    """Resolves the constraints of one use of a type."""

    def __init__(self, evaluator: Evaluator, reporter: Reporter, ctor: TypeCtor, name: str) -> None:
        self._evaluator = evaluator
        self._reporter = reporter
        self._ctor = ctor
        self._name = name

    def resolve(self, kinds: tuple[str, ...], resource: Resource | None = None) -> Found | None:
        """Resolve them as the kinds that the type has; None where one is none of these."""
        constraints = self._ctor.constraints
        found = Found()
        if not constraints:
            return found
        index = 0
        for position, constraint in enumerate(constraints):
            while index < len(kinds) and not self._one(kinds[index], constraint, found, resource):
                index += 1
            if index == len(kinds):
                self._unexpected(kinds, position)
                return None
            found.raw[kinds[index]] = constraint
            index += 1
        return found

    def _one(self, kind: str, constant: Const, found: Found, resource: Resource | None) -> bool:
        if kind == "size":
            found.size = self._evaluator.size(constant)
            return found.size is not None
        if kind == "optional":
            found.nullable = is_optional(constant)
            return found.nullable
        if kind == "protocol":
            target = constant.ref.target if isinstance(constant, RefConst) else None
            found.protocol = target if isinstance(target, Protocol) else None
            return found.protocol is not None
        return resource is not None and self._handle(kind, constant, found, resource)

    def _handle(self, kind: str, constant: Const, found: Found, resource: Resource) -> bool:
        member = resource.member(kind)
        if member is None or member.ctor.type is None or is_optional(constant):
            return False
        if kind == "subtype" and isinstance(constant, LiteralConst):
            self._reporter.error("fi-0165", constant.span)
            return False
        if constant.tried and constant.value is None:
            return False
        if kind == "subtype" and not isinstance(constant, RefConst):
            return False
        if not self._evaluator.evaluate(constant, member.ctor.type):
            return False
        if not isinstance(constant.value, int):
            return False
        if kind == "rights":
            found.rights = constant.value
            return True
        found.subtype = constant.value
        if isinstance(constant, RefConst) and constant.ref.target is not None:
            found.subtype_name = constant.ref.target.name.lower()
        return True

    def _unexpected(self, kinds: tuple[str, ...], position: int) -> None:
        constraints, report = self._ctor.constraints, self._reporter.error
        span: Span = constraints[position].span
        lone_optional = len(constraints) == 1 and is_optional(constraints[0])
        if lone_optional and kinds == () and self._name == "box":
            report("fi-0169", span)
        elif lone_optional and kinds == ():
            report("fi-0156", span, self._name)
        elif kinds[:1] == ("size",) and position == 0:
            report("fi-0101", constraints[0].span)
        elif kinds[:1] == ("protocol",) and position == 0:
            report("fi-0157", constraints[0].span, self._name)
        elif len(constraints) > len(kinds):
            where = self._ctor.constraints_span
            report("fi-0164", where, self._name, len(kinds), len(constraints))
        else:
            report("fi-0166", span, self._name)

    # ---- joining what an alias has

    def merge_size(self, base: int | None, found: Found) -> int | None:
        """Answer the bound; report a second one."""
        if base is not None and found.size is not None:
            self._reporter.error("fi-0158", found.raw["size"].span, self._name)
            return base
        return base if found.size is None else found.size

    def merge_optional(self, base: bool, found: Found) -> bool:
        """Answer whether optional; report what says it again."""
        if base and found.nullable:
            self._reporter.error("fi-0160", found.raw["optional"].span, self._name)
        return base or found.nullable

    def merge_protocol(self, base: Protocol | None, found: Found) -> Protocol | None:
        """Answer the protocol; report a second one."""
        if base is not None and found.protocol is not None:
            self._reporter.error("fi-0167", found.raw["protocol"].span, self._name)
        return base if found.protocol is None else found.protocol

    def merge_handle(self, base: HandleType, found: Found, default_rights: int) -> HandleType:
        """Answer the handle type; report a second subtype, or second rights."""
        joined = HandleType(base.resource, base.subtype, base.subtype_name, base.rights)
        if found.subtype:
            if base.subtype:
                self._reporter.error("fi-0167", found.raw["subtype"].span, self._name)
            joined.subtype, joined.subtype_name = found.subtype, found.subtype_name
        if found.rights is not None and found.rights != default_rights:
            if base.rights != default_rights:
                self._reporter.error("fi-0167", found.raw["rights"].span, self._name)
            joined.rights = found.rights
        joined.nullable = self.merge_optional(base.nullable, found)
        return joined
