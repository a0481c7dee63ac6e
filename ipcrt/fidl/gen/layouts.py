"""Structs, tables and unions."""

from __future__ import annotations

from ipcrt.fidl.gen import names
from ipcrt.fidl.gen.ir import Json, doc_of
from ipcrt.fidl.gen.module_scope import Module
from ipcrt.fidl.gen.text import WIDTH, Group, alternatives, docstring, opening


def struct(module: Module, decl: Json) -> list[str]:
    """Emit a struct or a payload."""
    name = module.named[decl["name"]]
    base = module.binding("tables", "Struct")
    members: list[Json] = decl["members"]
    hidden = frozenset(names.member(each["name"]) for each in members)
    alone = "" if members else f"Struct {name}."
    lines = opening(f"class {name}({base}):", doc_of(decl), alone=alone)
    for each in members:
        lines += _member(names.member(each["name"]), module.types.bounded(each, hidden))
        lines += docstring(doc_of(each), 4)
    return lines


def table(module: Module, decl: Json) -> list[str]:
    """Emit a table."""
    name = module.named[decl["name"]]
    base = module.binding("table", "Table")
    members = sorted(decl["members"], key=lambda each: int(each["ordinal"]))
    hidden = frozenset(names.member(each["name"]) for each in members)
    ordinals = tuple(int(each["ordinal"]) for each in members)
    keyword = f", ordinals={ordinals}" if ordinals else ""
    keyword += ", resource=True" if decl["resource"] else ""
    *above, statement = Group(f"class {name}(", [base + keyword], "):").lines()
    lines = above + opening(statement, doc_of(decl), alone="" if members else f"Table {name}.")
    for each in members:
        annotation = module.types.bounded(each, hidden, is_optional=True)
        lines += _optional_member(names.member(each["name"]), annotation)
        lines += docstring(doc_of(each), 4)
    return lines


def _member(name: str, annotation: str) -> list[str]:
    line = f"    {name}: {annotation}"
    if len(line) <= WIDTH:
        return [line]
    head, bracket, inner = annotation.partition("[")
    if inner.endswith("]"):
        return [f"    {name}: {head}{bracket}", f"        {inner[:-1]}", "    ]"]
    return [f"    {name}: (", f"        {annotation}", "    )"]


def _optional_member(name: str, annotation: str) -> list[str]:
    line = f"    {name}: {annotation} = None"
    if len(line) <= WIDTH:
        return [line]
    if len(line) - len("None") < WIDTH:
        return [f"    {name}: {annotation} = (", "        None", "    )"]
    return [f"    {name}: (", f"        {annotation}", "    ) = None"]


def variants(module: Module, decl: Json) -> list[list[str]]:
    """Emit the classes of a union's members."""
    base = module.binding("union", "Variant")
    found: list[list[str]] = []
    for each in decl["members"]:
        name = module.variants[decl["name"]][each["ordinal"]]
        statement = f"class {name}({base}, tag={int(each['ordinal'])}):"
        member = f"    value: {module.types.bounded(each)}"
        found.append([*opening(statement, doc_of(each)), member])
    return found


def union(module: Module, decl: Json) -> list[str]:
    """Emit a union as the choice between its members' classes, which must stand before it."""
    name = module.named[decl["name"]]
    type_alias = module.use("typing", "TypeAlias")
    parts = [*module.variants[decl["name"]].values()]
    if not decl["strict"]:
        unknown = "UnknownResource" if decl["resource"] else "UnknownVariant"
        parts.append(module.binding("union", unknown))
    return [*alternatives(f"{name}: {type_alias}", parts), *docstring(doc_of(decl))]
