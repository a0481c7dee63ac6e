"""A library in the making, what it imports, and the libraries compiled before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Final

from ipcrt.fidl.elements import Attr, Builtin, Decl, Element, Kind
from ipcrt.fidl.source import SourceFile, Span
from ipcrt.fidl.versions import FOR_EVER, HEAD, UNVERSIONED, Availability, Selection, State

FLAGS: Final = (
    "allow_new_types",
    "output_index_json",
    "zx_c_types",
    "allow_arbitrary_error_types",
    "no_resource_attribute",
)
"""The experiments that may be enabled."""

PRIMITIVES: Final = {
    "bool": 1,
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "uint8": 1,
    "uchar": 1,
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
    "usize64": 8,
    "uintptr64": 8,
    "float32": 4,
    "float64": 8,
}
"""Primitive types and their bytes."""
C_TYPES: Final = frozenset(("uchar", "usize64", "uintptr64", "experimental_pointer"))
"""Built-ins that need the flag `zx_c_types`."""
FRAMEWORK_ERR: Final = "FrameworkErr"
_BUILTINS: Final = (
    *PRIMITIVES,
    "string",
    "box",
    "array",
    "string_array",
    "vector",
    "experimental_pointer",
    "client_end",
    "server_end",
    "byte",
    "bytes",
    FRAMEWORK_ERR,
    "optional",
    "MAX",
    "NEXT",
    "HEAD",
)


@dataclasses.dataclass(slots=True, eq=False)
class Import:
    """A `using` in one file."""

    span: Span
    library: Library
    used: bool = False


class Library:
    """A library: its declarations, in the order and under the names of the source.

    After decomposition several declarations may bear one name, each for its own versions.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.platform: str | None = None
        self.element = Element(Kind.LIBRARY, name, _NOWHERE, [])
        self.decls: list[Decl] = []
        self.by_name: dict[str, list[Decl]] = {}
        self.imports: dict[SourceFile, dict[str, Import]] = {}
        self.order: list[Decl] = []
        self.dependencies: list[Library] = []

    @property
    def attributes(self) -> list[Attr]:
        """The attributes of its `library` declarations, of all files."""
        return self.element.attributes

    def insert(self, decl: Decl) -> None:
        """Add a declaration."""
        self.decls.append(decl)
        self.by_name.setdefault(decl.name, []).append(decl)

    def replace(self, decls: list[Decl]) -> None:
        """Put other declarations in the place of all."""
        self.decls, self.by_name = [], {}
        for decl in decls:
            self.insert(decl)

    def sort(self) -> None:
        """Order the declarations by name; those of one name stay as they are."""
        self.decls.sort(key=_name_of)

    def each_element(self) -> Iterator[Element]:
        """The library, its declarations, and what is in them."""
        yield self.element
        for decl in self.decls:
            yield decl
            for _, child in decl.each_child():
                yield child

    def use(self, file: SourceFile, name: str) -> Library | None:
        """Answer what a file imports under a name, and note that it is used."""
        found = self.imports.get(file, {}).get(name)
        if found is None:
            return None
        found.used = True
        return found.library


def _name_of(decl: Decl) -> str:
    return decl.name


_NOWHERE: Final = Span(SourceFile("(built in)", ""), 0, 0)


def _make_root() -> Library:
    root = Library("fidl")
    root.platform = UNVERSIONED
    for name in _BUILTINS:
        always = Availability(State.NARROWED, HEAD, None, FOR_EVER)
        root.insert(Builtin(Kind.BUILTIN, name, _NOWHERE, [], "fidl", availability=always, state=3))
    return root


@dataclasses.dataclass(slots=True, eq=False)
class Session:
    """Everything that the libraries of one run share."""

    selection: Selection = dataclasses.field(default_factory=Selection)
    flags: frozenset[str] = frozenset()
    libraries: dict[str, Library] = dataclasses.field(default_factory=dict[str, Library])
    root: Library = dataclasses.field(default_factory=_make_root)
    provide: Callable[[str], Library | None] = lambda _: None
    """Compiles a library of which no files were given, where it knows how."""

    def library(self, name: str) -> Library | None:
        """The library of that name, compiled before, or library `fidl`."""
        return self.root if name == self.root.name else self.libraries.get(name)

    def imported(self, name: str) -> Library | None:
        """The library that a `using` names."""
        return self.libraries.get(name) or self.provide(name)

    def builtin(self, name: str) -> Decl:
        """A built-in."""
        return self.root.by_name[name][0]
