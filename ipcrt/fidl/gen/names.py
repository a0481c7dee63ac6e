"""Names: from FIDL's to Python's.

1. Members, parameters and methods are lower_snake, constants and enum members UPPER_SNAKE. FIDL
   allows no two names in a scope that differ in case and underscores only, so none collide.
2. Types keep their name, unless it begins with a small letter: then no type hides a builtin. Such
   a one gives way to a declaration that has its new name already (`node_1` to `Node1`).
3. What Python reserves, or a base class has, gets a `_` behind it; no FIDL name ends in one. A
   module gets one, too, where Python or we have a module of that name.
4. Names that we derive (`StoreProxy`) give way to names that the library declares.
5. An IR may come from anywhere: what is no FIDL identifier never becomes text of ours.
"""

from __future__ import annotations

import builtins
import functools
import keyword
import re
import sys
from collections.abc import Mapping
from typing import Final

_IDENTIFIER: Final = re.compile("[A-Za-z][A-Za-z0-9_]*")
_WORD_BREAK: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_RESULT_PART: Final = re.compile(r"([A-Za-z0-9]+)_([A-Za-z0-9]+)_(Response|Error|Result)")

_METHODS_TAKEN: Final = frozenset(
    (
        "client_came",
        "client_gone",
        "close",
        "closed",
        "interrupt",
        "into_blocking_proxy",
        "into_client_end",
        "into_proxy",
        "statistics",
        "unknown_event",
        "unknown_method",
        "wait_closed",
    )
)


_ATTRIBUTES_TAKEN: Final = frozenset(("ERROR", "MEMBERS", "NAME", "PROTOCOL", "TABLE"))
"""What classes of ours define in their own bodies, where a type of that name would be hidden."""

_MODULES_TAKEN: Final = sys.stdlib_module_names | frozenset((*dir(builtins), "ipcrt", "msgspec"))


def checked(name: str) -> str:
    """Answer `name`, which must be an identifier (rule 5). Raises: ValueError."""
    if _IDENTIFIER.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no identifier")
    return name


@functools.cache
def snake(name: str) -> str:
    """`WriteItem`, `writeItem` and `WRITE_ITEM` are `write_item`."""
    name = checked(name)
    return re.sub("_+", "_", _WORD_BREAK.sub("_", name)).lower()


def camel(name: str) -> str:
    """`write_item` is `WriteItem`."""
    return "".join(part[:1].upper() + part[1:] for part in snake(name).split("_"))


def _safe(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def member(name: str) -> str:
    """Name a struct or table member, or a parameter."""
    python = snake(name)
    return "self_" if python == "self" else _safe(python)


def parameter(name: str) -> str:
    """Name a parameter of a method, which may have a `timeout` beside it."""
    python = member(name)
    return "timeout_" if python == "timeout" else python


def method(name: str) -> str:
    """Name a method; proxies, servers and listeners all call it so."""
    python = snake(name)
    return f"{python}_" if python in _METHODS_TAKEN else _safe(python)


def constant(name: str) -> str:
    """Name a constant, an enum member or a bit."""
    return snake(name).upper()


def declared(name: str) -> str:
    """Name a type: an anonymous `Store_ReadItem_Response` is `StoreReadItemResponse`."""
    match = _RESULT_PART.fullmatch(checked(name))
    if match:
        name = "".join(match.groups())
    name = name if name[:1].isupper() else camel(name)
    return f"{name}_" if name in _ATTRIBUTES_TAKEN else _safe(name)


def settle(kinds: Mapping[str, str]) -> dict[str, str]:
    """Name declarations, given as `library/Name` and kind, each library for itself (rule 2)."""
    python = {
        name: (constant if kind == "const" else declared)(name.partition("/")[2])
        for name, kind in kinds.items()
    }
    found: dict[str, str] = {}
    taken: set[tuple[str, str]] = set()
    for name in sorted(kinds, key=lambda each: (not each.endswith(f"/{python[each]}"), each)):
        library, local = name.partition("/")[0], python[name]
        while (library, local) in taken:
            local += "_"
        taken.add((library, local))
        found[name] = local
    return found


def module(library: str) -> str:
    """Name the module of a library: `fuchsia.ui.gfx` is `fuchsia_ui_gfx`."""
    name = "_".join(checked(part) for part in library.split("."))
    return f"{name}_" if name in _MODULES_TAKEN else _safe(name)


def package(name: str) -> str:
    """Answer the name of a package, which must be one. Raises: ValueError."""
    if name and not all(part.isidentifier() and part == _safe(part) for part in name.split(".")):
        raise ValueError(f"{name!r} is no package")
    return name


class Scope:
    """The names of one module; each is given out once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def declare(self, name: str) -> None:
        """Take a name that the library itself declares."""
        self._taken.add(name)

    def derive(self, name: str) -> str:
        """Take `name`, or the like where it is gone (rule 4)."""
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def __contains__(self, name: str) -> bool:
        return name in self._taken
