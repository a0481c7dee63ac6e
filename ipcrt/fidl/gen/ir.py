"""The JSON IR, looked up by name. Nothing of it is changed."""

from __future__ import annotations

from typing import Any, Final, TypeAlias, cast

Json: TypeAlias = dict[str, Any]

_LISTS: Final = (
    "bits",
    "const",
    "enum",
    "protocol",
    "service",
    "struct",
    "table",
    "union",
    "overlay",
    "alias",
    "new_type",
)

_PROVIDED_ZX: Final = {"zx/Handle", "zx/ObjType", "zx/Rights", "zx/Status"}


class Ir:
    """One library's IR: its declarations, and what it says of others'."""

    def __init__(self, root: Json) -> None:
        self.root = root
        self.name: str = root["name"]
        self.kinds: dict[str, str] = dict(root.get("declarations", {}))
        self._zx: set[str] = set()
        for library in root.get("library_dependencies", []):
            for name, about in library["declarations"].items():
                self.kinds[name] = about["kind"]
            if library["name"] == "zx":
                self._zx = set(library["declarations"])
        self._by_name = {d["name"]: d for kind in _LISTS for d in self.declarations(kind)}
        externals: list[Json] = root.get("external_struct_declarations", [])
        self._externals = {d["name"]: d for d in externals}

    def declarations(self, kind: str) -> list[Json]:
        """Answer all declarations of one kind, in the order of the text."""
        found: list[Json] = self.root.get(f"{kind}_declarations", [])
        return sorted(found, key=_place)

    def find(self, name: str) -> Json | None:
        """Answer a declaration of this library."""
        return self._by_name.get(name)

    def struct(self, name: str) -> Json:
        """Answer a struct, ours or a payload's of another library."""
        found = self._by_name.get(name) or self._externals.get(name)
        if found is None:
            raise KeyError(f"struct {name}")
        return found

    def all_structs(self) -> list[Json]:
        """Answer our structs, and those of other libraries that are payloads here."""
        return [*self.declarations("struct"), *self._externals.values()]

    def is_provided(self, library: str) -> bool:
        """True for the `zx` that the compiler provides, whose module `ipcrt.bindings.zx` is."""
        return library == "zx" and self._zx == _PROVIDED_ZX

    def is_local(self, name: str) -> bool:
        """True for `library/Name` of this library."""
        return library_of(name) == self.name

    def in_order(self, kinds: frozenset[str]) -> list[Json]:
        """Answer declarations of some kinds so that each comes behind those its type names.

        The IR's own order does not do: what may be absent may come later there. A ring of them,
        which only absence makes possible, begins anywhere.
        """
        order: list[str] = self.root["declaration_order"]
        found = {d["name"]: d for kind in kinds for d in self.declarations(kind)}
        done: dict[str, Json] = {}
        entered: set[str] = set()
        waiting = [name for name in reversed(order) if name in found]
        while waiting:
            name = waiting[-1]
            needed = [] if name in entered else _named_in(found[name])
            entered.add(name)
            waiting += [each for each in needed if each in found and each not in entered]
            if waiting[-1] == name:
                waiting.pop()
                done.setdefault(name, found[name])
        return list(done.values())

    def in_text(self, kinds: frozenset[str]) -> list[Json]:
        """Answer declarations of some kinds in the order of the text."""
        return sorted((d for kind in kinds for d in self.declarations(kind)), key=_place)


def _named_in(decl: Json) -> list[str]:
    """Answer the names in a declaration's type, its members' aside."""
    found: list[str] = []
    waiting: list[Any] = [decl.get("type"), decl.get("partial_type_ctor")]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, dict):
            waiting += cast("Json", part).values()
        elif isinstance(part, list):
            waiting += cast("list[object]", part)
    return found


def _place(decl: Json) -> tuple[str, int, int]:
    where = decl["location"]
    return where["filename"], where["line"], where["column"]


def library_of(name: str) -> str:
    """`zx/Handle` is of `zx`."""
    return name.partition("/")[0]


def local_name(name: str) -> str:
    """`zx/Handle` is `Handle` there."""
    return name.partition("/")[2]


def attribute(element: Json, name: str) -> Json | None:
    """Answer an attribute; its name is written either as in FIDL or as in the IR."""
    for each in element.get("maybe_attributes", ()):
        if each["name"].lower() == name:
            found: Json = each
            return found
    return None


def attribute_text(element: Json, name: str, argument: str = "value") -> str | None:
    """Answer the text of an attribute's argument; a lone argument goes by any name."""
    found = attribute(element, name)
    if found is None:
        return None
    arguments: list[Json] = found["arguments"]
    for each in arguments:
        if each["name"] == argument:
            return str(each["value"]["value"])
    return None


def doc_of(element: Json) -> str:
    """Answer the doc comment; empty where there is none."""
    return attribute_text(element, "doc") or ""
