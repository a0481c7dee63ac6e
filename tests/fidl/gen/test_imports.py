from __future__ import annotations

from ipcrt.fidl.gen.imports import Imports
from ipcrt.fidl.gen.names import Scope


def test_sections_and_their_order() -> None:
    imports = Imports(Scope())
    imports.name("ipcrt.bindings.scalars", "Int32")
    imports.name("ipcrt.bindings.scalars", "Int8")
    imports.name("ipcrt.bindings.proxy", "Proxy")
    imports.name("ipcrt.bindings.proxy", "DEFAULT_TIMEOUT")
    imports.name("msgspec", "Meta")
    imports.module("enum")
    assert imports.lines() == [
        "from __future__ import annotations",
        "",
        "import enum",
        "",
        "from msgspec import Meta",
        "",
        "from ipcrt.bindings.proxy import DEFAULT_TIMEOUT, Proxy",
        "from ipcrt.bindings.scalars import Int8, Int32",
    ]


def test_a_name_that_is_taken_is_renamed() -> None:
    scope = Scope()
    scope.declare("Proxy")
    imports = Imports(scope)
    assert imports.name("ipcrt.bindings.proxy", "Proxy") == "_Proxy"
    assert imports.name("a", "Event") == "Event"
    assert imports.name("b", "Event") == "_Event"
    assert imports.name("c", "Event") == "_Event_"
    assert imports.name("b", "Event") == "_Event"
    assert "from b import Event as _Event" in imports.lines()


def test_a_module_that_a_member_hides_is_renamed() -> None:
    scope = Scope()
    scope.declare("zx")
    imports = Imports(scope)
    assert (imports.module("zx"), imports.module("enum")) == ("_zx", "enum")
    assert imports.lines()[2:] == ["import enum", "", "import zx as _zx"]


def test_long_ones_wrap() -> None:
    imports = Imports(Scope())
    for letter in "abc":
        imports.name("somewhere", letter * 40)
    assert imports.lines()[-5:] == [
        "from somewhere import (",
        *(f"    {letter * 40}," for letter in "abc"),
        ")",
    ]
