"""`ipcrt fidl-abi`: what changed between two versions of a library, and whom it breaks."""

from __future__ import annotations

import json

from ipcrt.fidl.abi_change import Change, Party, Severity, Side
from ipcrt.fidl.abi_ir import (
    Alias,
    AnyDeclaration,
    BadIr,
    Bits,
    Const,
    Enum,
    Library,
    Protocol,
    Service,
    Struct,
    Table,
    Union,
    load_ir,
)
from ipcrt.fidl.abi_layouts import compare_structs, compare_tables, compare_unions
from ipcrt.fidl.abi_members import compare_deprecation
from ipcrt.fidl.abi_protocols import compare_protocols, compare_services
from ipcrt.fidl.abi_types import Comparison, compare_types, describe
from ipcrt.fidl.abi_values import compare_values


def compare_files(
    old_name: str, old_text: bytes | str, new_name: str, new_text: bytes | str
) -> list[Change]:
    """Compare two JSON IRs, given with their files' names. Raises: BadIr."""
    before, after = load_ir(old_name, old_text), load_ir(new_name, new_text)
    try:
        return compare(before, after)
    except RecursionError as error:
        raise BadIr(f"{new_name}: types nest too deeply") from error


def compare(before: Library, after: Library) -> list[Change]:
    """Answer every change between two versions of a library, the worst first."""
    comparison = Comparison(before, after)
    if before.name != after.name:
        message = f"was library {before.name}"
        comparison.add("library-renamed", after.name, message, source=Side.BOTH)
    for name, declaration in comparison.old_declarations.items():
        other = comparison.new_declarations.get(name)
        if other is not None and not _is_followed(declaration):
            comparison.pairs.setdefault((name, name))
    renamed = _compare_pairs(comparison)
    _compare_names(comparison, renamed)
    order = {severity: number for number, severity in enumerate(Severity)}
    found = dict.fromkeys(comparison.changes)
    return sorted(found, key=lambda change: (order[change.severity], change.where, change.id))


def _is_followed(declaration: AnyDeclaration) -> bool:
    """True for what has no name of its own: it is compared where it is used."""
    return declaration.is_anonymous or (isinstance(declaration, Union) and declaration.is_result)


def _compare_pairs(comparison: Comparison) -> dict[str, str]:
    """Compare pairs, and those that turn up on the way; answer new names by old ones."""
    done = 0
    while done < len(comparison.pairs):
        for old_name, new_name in list(comparison.pairs)[done:]:
            done += 1
            _compare_pair(comparison, old_name, new_name)
    gone = set(comparison.old_declarations) - set(comparison.new_declarations)
    return {old: new for old, new in comparison.pairs if old in gone}


def _compare_pair(comparison: Comparison, old_name: str, new_name: str) -> None:
    before = comparison.old_declarations[old_name]
    after = comparison.new_declarations[new_name]
    where = f"{comparison.after.name}/{new_name}" if "/" not in new_name else new_name
    readers = comparison.readers(old_name, new_name)
    compare_deprecation(comparison, where, before, after)
    match before, after:
        case Struct(), Struct():
            compare_structs(comparison, where, before, after, readers)
        case Table(), Table():
            compare_tables(comparison, where, before, after, readers)
        case Union(), Union():
            compare_unions(comparison, where, before, after, readers)
        case Enum(), Enum():
            compare_values(comparison, where, before, after, readers)
        case Bits(), Bits():
            compare_values(comparison, where, before, after, readers)
        case Protocol(), Protocol():
            compare_protocols(comparison, where, before, after)
        case Service(), Service():
            compare_services(comparison, where, before, after)
        case Const(), Const():
            _compare_consts(comparison, where, before, after)
        case _ if isinstance(before, Alias) and isinstance(after, Alias):
            _compare_aliases(comparison, where, before, after)
        case _:
            _compare_kinds(comparison, where, before, after)


def _compare_consts(comparison: Comparison, where: str, before: Const, after: Const) -> None:
    if before.value.value != after.value.value:
        message = f"was {before.value.value}, is {after.value.value}"
        comparison.add("const-changed", where, message, source=Side.BOTH)
    first, second = describe(before.type), describe(after.type)
    if first != second:
        message = f"was of type {first}, is of type {second}"
        comparison.add("type-changed", where, message, source=Side.BOTH)


def _compare_aliases(comparison: Comparison, where: str, before: Alias, after: Alias) -> None:
    """What travels is reported where the alias is used; here it is the name's own meaning."""
    trial = Comparison(comparison.before, comparison.after)
    compare_types(trial, where, before.type, after.type, Side.BOTH)
    if trial.changes:
        message = "; ".join(change.message for change in trial.changes)
        comparison.add("alias-changed", where, message, source=Side.BOTH)


def _compare_kinds(
    comparison: Comparison, where: str, before: AnyDeclaration, after: AnyDeclaration
) -> None:
    if type(before) is not type(after):
        first, second = type(before).__name__.lower(), type(after).__name__.lower()
        message = f"was {first}, is {second}"
        comparison.add("declaration-kind-changed", where, message, source=Side.BOTH)


def _compare_names(comparison: Comparison, renamed: dict[str, str]) -> None:
    """Report what has a name in one version only."""
    library = comparison.after.name
    for name, declaration in comparison.old_declarations.items():
        if name in comparison.new_declarations or "/" in name or _is_followed(declaration):
            continue
        where = f"{library}/{name}"
        if name in renamed:
            message = f"is now called {renamed[name]}"
            comparison.add("declaration-renamed", where, message, source=Side.BOTH)
            continue
        is_found = isinstance(declaration, Protocol) and declaration.discoverable is not None
        is_found = is_found or isinstance(declaration, Service)
        wire = Party.OLD_CLIENT if is_found else Party.NONE
        message = f"{type(declaration).__name__.lower()} was removed"
        comparison.add("declaration-removed", where, message, source=Side.BOTH, wire=wire)
    taken = set(renamed.values())
    for name, declaration in comparison.new_declarations.items():
        if name in comparison.old_declarations or name in taken or "/" in name:
            continue
        if not _is_followed(declaration):
            message = f"{type(declaration).__name__.lower()} was added"
            comparison.add("declaration-added", f"{library}/{name}", message)


# ---- what is made of them


def exit_code(changes: list[Change], *, caution: bool = False) -> int:
    """Answer 1 where something breaks, else 0; with `caution` what asks for care counts too."""
    counted = {Severity.BREAKING, Severity.CAUTION} if caution else {Severity.BREAKING}
    return int(any(change.severity in counted for change in changes))


def changes_text(changes: list[Change]) -> str:
    """Write changes for a person; nothing for none."""
    return "".join(change.render() + "\n" for change in changes)


def changes_json(changes: list[Change]) -> str:
    """Write changes for a tool: a JSON list."""
    return json.dumps([change.as_json() for change in changes], indent=2) + "\n"
