from __future__ import annotations

import json

from ipcrt.fidl.abi_change import Side
from ipcrt.fidl.abi_ir import load_ir
from ipcrt.fidl.abi_usage import Usage
from tests.support.fidl_ir import library, method, protocol, ref, struct, table, union, vector


def test_servers_read_requests_and_clients_answers() -> None:
    text = library(
        protocol(
            "P",
            method("M", "twoway", ref("Asked"), ref("Answered"), error=ref("Failed")),
            method("OnE", "event", None, ref("Told")),
        ),
        table("Asked", a=(1, vector(ref("Shared")))),
        union("Told", strict=True, a=(1, ref("Shared")), b=(2, ref("Told"))),
        struct("Answered"),
        struct("Failed"),
        struct("Shared", a=ref("Deep", nullable=True)),
        struct("Deep", a=ref("Shared", nullable=True)),
        struct("Unused"),
    )
    usage = Usage(load_ir("a.json", json.dumps(text)))
    readers = {name: usage.readers(name) for name in ("Asked", "Answered", "Failed", "Told")}
    assert readers == {
        "Asked": Side.SERVER,
        "Answered": Side.CLIENT,
        "Failed": Side.CLIENT,
        "Told": Side.CLIENT,
    }
    assert [usage.readers(name) for name in ("Shared", "Deep", "Unused")] == [Side.BOTH] * 3
