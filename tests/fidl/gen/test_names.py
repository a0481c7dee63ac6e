from __future__ import annotations

import keyword

import pytest

from ipcrt.fidl.gen import names


@pytest.mark.parametrize("name", ["WriteItem", "writeItem", "WRITE_ITEM", "write_item"])
def test_one_name_however_it_is_written(name: str) -> None:
    assert names.snake(name) == "write_item"
    assert names.constant(name) == "WRITE_ITEM"
    assert names.camel(name) == "WriteItem"


def test_capitals_in_a_row_are_one_word() -> None:
    assert names.snake("HTTPServer") == "http_server"
    assert names.snake("GetID2") == "get_id2"


def test_what_python_reserves_gets_an_underscore() -> None:
    assert names.member("class") == "class_"
    assert names.member("self") == "self_"
    assert names.parameter("timeout") == "timeout_"
    assert names.member("timeout") == "timeout"
    assert names.method("Import") == "import_"
    assert names.method("Close") == "close_"
    assert names.declared("None") == "None_"
    for word in keyword.kwlist:
        assert not keyword.iskeyword(names.member(word))


def test_types_never_begin_small() -> None:
    assert names.declared("int") == "Int"
    assert names.declared("node_list") == "NodeList"
    assert names.declared("HTTPServer") == "HTTPServer"
    assert names.declared("Store_ReadItem_Response") == "StoreReadItemResponse"


def test_what_our_classes_define_themselves_is_no_type() -> None:
    assert names.declared("PROTOCOL") == "PROTOCOL_"
    assert names.declared("ERROR") == "ERROR_"
    assert names.declared("Error") == "Error"


def test_modules() -> None:
    assert names.module("fuchsia.ui.gfx") == "fuchsia_ui_gfx"
    for taken in ("class", "async", "enum", "asyncio", "list", "print", "ipcrt", "msgspec"):
        assert names.module(taken) == f"{taken}_"


def test_declarations_that_come_out_the_same_stay_apart() -> None:
    kinds = {"a/n_1": "struct", "a/N1": "const", "a/N_1": "table", "b/n_1": "union", "a/m": "enum"}
    assert names.settle(kinds) == {
        "a/N1": "N1",
        "a/N_1": "N_1",
        "a/n_1": "N1_",
        "a/m": "M",
        "b/n_1": "N1",
    }
    assert names.settle(dict(reversed(kinds.items()))) == names.settle(kinds)


def test_packages() -> None:
    for package in ("", "a", "a.b_c.D1"):
        assert names.package(package) == package
    for bad in (".", "a.", "a..b", "a b", "import", "a.class", "1a", "a\n", "a/b"):
        with pytest.raises(ValueError, match="is no package"):
            names.package(bad)


@pytest.mark.parametrize("name", ["", "a b", "a\nimport os", "1a", "ä", 'x"'])
def test_what_is_no_identifier_never_becomes_text(name: str) -> None:
    for make in (names.member, names.method, names.constant, names.declared, names.module):
        with pytest.raises(ValueError, match="no identifier"):
            make(name)


def test_derived_names_give_way() -> None:
    scope = names.Scope()
    scope.declare("StoreProxy")
    assert scope.derive("StoreProxy") == "StoreProxy_"
    assert scope.derive("StoreProxy") == "StoreProxy__"
    assert "StoreProxy_" in scope
    assert "Store" not in scope
