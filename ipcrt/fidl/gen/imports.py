"""Imports of a generated module: only what it uses, sorted as a linter wants it."""

from __future__ import annotations

import re
import sys
from collections import defaultdict

from ipcrt.fidl.gen.names import Scope, checked
from ipcrt.fidl.gen.text import WIDTH


class Imports:
    """Collects what the emitted text needs. All names of the library must be in `scope` by then."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._modules: set[str] = set()
        self._names: defaultdict[str, set[str]] = defaultdict(set)
        self._owners: dict[str, str] = {}

    def module(self, name: str) -> str:
        """Import a module and answer what it is called here: `_zx` where a member is `zx`."""
        local = name if name not in self._scope else f"_{name}"
        self._modules.add(name if local == name else f"{name} as {local}")
        return local

    def name(self, module: str, name: str) -> str:
        """Import a name and answer what it is called here: `_Proxy` where a type is a `Proxy`.

        Of two modules with such a name the first one asked for has it plain.
        """
        local = checked(name)
        while local in self._scope or self._owners.setdefault(local, module) != module:
            local = f"_{name}" if local == name else f"{local}_"
        self._names[module].add(name if local == name else f"{name} as {local}")
        return local

    def lines(self) -> list[str]:
        """Answer the import statements, in sections with blank lines between."""
        sections: dict[int, list[str]] = {0: [], 1: [], 2: []}
        for module in sorted(self._modules):
            sections[_section(module.partition(" ")[0])].append(f"import {module}")
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
    renamed = [name for name in names if " as " in name]
    plain = sorted(names.difference(renamed), key=_order)
    statements = [[name] for name in renamed] + ([plain] if plain else [])
    statements.sort(key=lambda group: _order(group[0]))
    return [line for group in statements for line in _statement(module, group)]


def _statement(module: str, names: list[str]) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in names), ")"]


def _order(name: str) -> tuple[int, list[tuple[str, int]]]:
    """Put constants first, then classes, then functions; `Int8` before `Int32`."""
    kind = 0 if name.isupper() else 1 if name[:1].isupper() else 2
    parts = re.findall(r"(\D+)(\d*)|(\d+)", name)
    return kind, [(text, int(number or 0)) for text, number, _ in parts]
