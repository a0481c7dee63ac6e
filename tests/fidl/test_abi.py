"""The comparison as a whole: declarations, order, output, exit codes."""

from __future__ import annotations

import contextlib
import json

import pytest

from ipcrt.fidl.abi import changes_json, changes_text, compare, compare_files, exit_code
from ipcrt.fidl.abi_ir import BadIr, load_ir
from tests.support.fidl_abi import changes
from tests.support.fidl_ir import (
    BOOL,
    INT,
    const,
    enum,
    library,
    method,
    protocol,
    ref,
    struct,
    table,
    vector,
)

SOURCE = "source client, server"


def test_nothing_changed() -> None:
    old = [struct("S", a=vector(ref("S"), 3)), protocol("P", method("M", "oneway", ref("S")))]
    assert changes(old, old) == []


def test_declarations_come_and_go() -> None:
    assert changes([struct("A")], [enum("B", strict=False)]) == [
        f"breaking declaration-removed A; {SOURCE}",
        "compatible declaration-added B",
    ]
    assert changes([protocol("A", discoverable=True)], []) == [
        f"breaking declaration-removed A; wire old client; {SOURCE}"
    ]
    assert changes([struct("A")], [table("A")]) == [
        f"breaking declaration-kind-changed A; {SOURCE}"
    ]


def test_a_renamed_type_is_known_by_where_it_stands() -> None:
    call = method("M", "oneway", ref("A"))
    old = [protocol("P", call), struct("A", a=INT)]
    new = [protocol("P", call | {"maybe_request_payload": ref("B")}), struct("B", a=INT)]
    assert changes(old, new) == [f"breaking declaration-renamed A; {SOURCE}"]
    new[1] = struct("B", a=BOOL)
    assert changes(old, new)[1:] == [
        f"breaking type-changed B.a; wire old server, new server; {SOURCE}"
    ]


def test_constants() -> None:
    assert changes([const("C", INT, "1")], [const("C", INT, "2")]) == [
        f"caution const-changed C; {SOURCE}"
    ]
    assert changes([const("C", INT, "1")], [const("C", BOOL, "1")]) == [
        f"breaking type-changed C; {SOURCE}"
    ]


def test_a_deprecated_declaration() -> None:
    assert changes([struct("A")], [struct("A") | {"deprecated": True}]) == [
        "compatible deprecated A"
    ]


def test_another_library() -> None:
    old, new = library(), library(name="u")
    found = compare_files("a", json.dumps(old), "b", json.dumps(new))
    assert [change.id for change in found] == ["library-renamed"]


@pytest.mark.parametrize(
    "ids, code, careful_code",
    [
        ([], 0, 0),
        (["field-added"], 0, 0),
        (["const-changed"], 0, 1),
        (["declaration-removed"], 1, 1),
    ],
)
def test_exit_codes(ids: list[str], code: int, careful_code: int) -> None:
    pairs = {
        "field-added": (table("T"), table("T", a=(1, INT))),
        "const-changed": (const("C", INT, "1"), const("C", INT, "2")),
        "declaration-removed": (struct("S"), None),
    }
    old = [pairs[id_][0] for id_ in ids]
    new = [after for after in (pairs[id_][1] for id_ in ids) if after is not None]
    found = compare_files("a", json.dumps(library(*old)), "b", json.dumps(library(*new)))
    assert [change.id for change in found] == ids
    assert exit_code(found) == code
    assert exit_code(found, caution=True) == careful_code


def test_text_and_json() -> None:
    old, new = library(enum("E", strict=True, A=1)), library(enum("E", strict=True, A=1, B=2))
    found = compare(load_ir("a", json.dumps(old)), load_ir("b", json.dumps(new)))
    assert changes_text(found) == (
        "breaking: t/E.B: was added with value 2 [value-added]\n"
        "  breaks on the wire: old client, old server\n"
        f"  why: {found[0].reason}\n"
    )
    (change,) = json.loads(changes_json(found))
    assert change == {
        "id": "value-added",
        "severity": "breaking",
        "where": "t/E.B",
        "message": "was added with value 2",
        "reason": found[0].reason,
        "source": [],
        "wire": ["old client", "old server"],
    }


@pytest.mark.parametrize("depth", [50, 300, 900, 5000])
def test_depth_is_refused_not_suffered(depth: int) -> None:
    head = '{"kind_v2": "vector", "element_type": ' * depth
    type_ = f'{head}{{"kind_v2": "primitive", "subtype": "%s"}}{"}" * depth}'
    text = json.dumps(library(struct("S", a=INT))).replace(json.dumps(INT), type_)
    with contextlib.suppress(BadIr):
        found = compare_files("a", text % "bool", "b", text % "int32")
        assert [change.id for change in found] == ["type-changed"]
        return
    assert depth > 64


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 1}', b"\xff", "[" * 100_000])
def test_what_is_no_ir_is_refused(text: str | bytes) -> None:
    with pytest.raises(BadIr, match=r"old\.json"):
        compare_files("old.json", text, "new.json", json.dumps(library()))
