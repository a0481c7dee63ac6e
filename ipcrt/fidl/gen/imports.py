"""Imports of a generated module: only what it uses, sorted as a linter wants it."""

from __future__ import annotations

import sys
from collections import defaultdict

from ipcrt.fidl.gen.names import Scope
from ipcrt.fidl.gen.text import WIDTH


class Imports:
    """Collects what the emitted text needs. All names of the library must be in `scope` by then."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._modules: set[str] = set()
        self._names: defaultdict[str, set[str]] = defaultdict(set)

    def module(self, name: str) -> str:
        """Import a module and answer its name."""
        self._modules.add(name)
        return name

    def name(self, module: str, name: str) -> str:
        """Import a name and answer what it is called here: `_Proxy` where a type is a `Proxy`."""
        if name in self._scope:
            self._names[module].add(f"{name} as _{name}")
            return f"_{name}"
        self._names[module].add(name)
        return name

    def lines(self) -> list[str]:
        """Answer the import statements, in sections with blank lines between."""
        sections: dict[int, list[str]] = {0: [], 1: [], 2: []}
        for module in sorted(self._modules):
            sections[_section(module)].append(f"import {module}")
        for module in sorted(self._names):
            sections[_section(module)] += _from(module, self._names[module])
        lines = ["from __future__ import annotations"]
        for section in sections.values():
            lines += ["", *section] if section else []
        return lines


def _section(module: str) -> int:
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return 0
    return 1 if top == "msgspec" else 2


def _from(module: str, names: set[str]) -> list[str]:
    ordered = sorted(names, key=_order)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in ordered), ")"]


def _order(name: str) -> tuple[int, str]:
    plain = name.partition(" ")[0]
    return (0 if plain.isupper() else 1 if plain[:1].isupper() else 2), plain
