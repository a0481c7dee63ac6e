from __future__ import annotations

import json

import pytest

from ipcrt.fidl.abi_ir import BadIr, Protocol, load_ir
from tests.support.fidl_ir import INT, anonymous, library, protocol, struct


def test_declarations_go_by_local_names() -> None:
    text = json.dumps(
        library(
            anonymous(struct("A", a=INT)),
            protocol("P", discoverable=True),
            struct("u/X") | {"is": "external_struct"},
        )
    )
    found = load_ir("a.json", text).declarations()
    assert set(found) == {"Empty", "A", "P", "u/X"}
    assert found["A"].is_anonymous
    protocol_found = found["P"]
    assert isinstance(protocol_found, Protocol)
    assert protocol_found.discoverable == "t.P"


def test_what_is_missing_is_named() -> None:
    with pytest.raises(BadIr, match=r"a\.json: not the JSON IR of a library: .*`name`"):
        load_ir("a.json", "{}")
