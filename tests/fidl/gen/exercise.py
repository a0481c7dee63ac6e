"""Use a package of generated modules: `exercise.py PACKAGE IRS`, where IRS is a folder of IRs.

Imports every module and sends a sample of every type through its codec; tells what it did, as
JSON, or ends with a traceback.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.discard import close_handles
from ipcrt.bindings.tables import Kind, ProtocolTable
from ipcrt.fidl.gen.ir import Ir, Json
from ipcrt.fidl.gen.module import spoken
from ipcrt.fidl.gen.names import module
from tests.support.fidl_values import Samples

_LAYOUTS: Final = frozenset(("struct", "table", "union", "enum", "bits", "alias", "new_type"))


def main() -> None:
    package, folder = sys.argv[1:]
    irs: dict[str, Json] = {}
    for path in sorted(Path(folder).glob("*.json")):
        ir = json.loads(path.read_text())
        irs[ir["name"]] = ir
    modules = {name: importlib.import_module(f"{package}.{module(name)}") for name in irs}
    done: Counter[str] = Counter()
    samples = Samples(irs, modules)
    for name, ir in irs.items():
        done += _types(Ir(ir), samples)
        for protocol in spoken(Ir(ir)):
            done += _protocol(samples.type_of(protocol["name"]), modules[name])
    print(json.dumps(done))


def _types(ir: Ir, samples: Samples) -> Counter[str]:
    done: Counter[str] = Counter()
    for decl in ir.in_text(_LAYOUTS):
        kind = ir.kinds[decl["name"]]
        if decl.get("is_empty_success_struct") or decl.get("is_result"):
            continue
        if kind == "union" and not decl["members"]:
            continue
        _round_trip(samples.type_of(decl["name"]), samples.value(decl["name"]))
        done[kind] += 1
    return done


def _round_trip(type_: Any, value: Any) -> None:
    codec: Codec[Any] = Codec(type_)
    body, handles = codec.encode(value)
    copy = codec.decode(memoryview(body), handles)
    try:
        assert codec.encode(copy)[0] == body, (type_, value, copy)
        assert handles or copy == value, (type_, value, copy)
    finally:
        close_handles(copy)
        close_handles(value)


def _protocol(protocol: Any, home: Any) -> Counter[str]:
    """Build the codecs of a protocol's methods; its classes have a method for each."""
    done: Counter[str] = Counter()
    table: ProtocolTable = protocol.TABLE
    for method in table.by_ordinal.values():
        for codec in (method.request, method.response, method.error):
            if codec is not None:
                codec._build()
                done["codec"] += 1
        faces = ("Events",) if method.KIND is Kind.EVENT else ("Proxy", "BlockingProxy", "Server")
        for suffix in faces:
            face: type = getattr(home, protocol.__name__ + suffix)
            assert method.name in vars(face), (face, method.name)
        done["method"] += 1
    done["protocol"] += 1
    return done


if __name__ == "__main__":
    main()
