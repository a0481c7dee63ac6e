"""The reference's samples: thirty libraries, known ordinals, and cases good and bad."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ipcrt.fidl.check_protocols import method_ordinal
from ipcrt.fidl.source import SourceFile
from tests.support.fidl import (
    REFERENCE,
    Compiled,
    compile_sources,
    library_order,
    needs_reference,
)

pytestmark = needs_reference

# Cases that cannot come out as they are listed, and why.
IMPOSSIBLE = {
    "protocol.bad_composed_protocols_have_clashing_ordinals": (
        "its ordinals clash under a hash made for the case, not under SHA-256"
    ),
}


def _cases(kind: str) -> list[Any]:
    if not REFERENCE.is_dir():
        return []
    cases = json.loads((REFERENCE / "cases.json").read_text())[kind]
    return [
        pytest.param(case, variant, id=f"{case['name']}-{variant}")
        for case in cases
        for variant in case["available_variants"]
    ]


def _compile(case: dict[str, Any], variant: list[list[str]]) -> Compiled:
    libraries = [[SourceFile(found["name"], found["text"])] for found in case["dependencies"]]
    libraries.append([SourceFile(found["name"], found["text"]) for found in case["files"]])
    return compile_sources(libraries, dict(map(tuple, variant)), case["experimental"])  # type: ignore[arg-type]


@pytest.mark.parametrize("case, variant", _cases("good"))
def test_a_good_case_compiles(case: dict[str, Any], variant: list[list[str]]) -> None:
    compiled = _compile(case, variant)
    assert compiled.ok, [found.render() for found in compiled.diagnostics]
    assert compiled.ir["name"] == compiled.library.name


@pytest.mark.parametrize("case, variant", _cases("bad"))
def test_a_bad_case_is_refused(case: dict[str, Any], variant: list[list[str]]) -> None:
    if case["name"] in IMPOSSIBLE:
        pytest.skip(IMPOSSIBLE[case["name"]])
    compiled = _compile(case, variant)
    assert not compiled.ok
    assert set(case["expected_error_ids"] or ()) <= set(compiled.ids)


def test_known_ordinals() -> None:
    for known in json.loads((REFERENCE / "ordinals.json").read_text()):
        assert method_ordinal(known["selector"]) == known["ordinal"]


def test_the_libraries_compile_and_their_ir_has_the_published_keys() -> None:
    folder = REFERENCE / "libraries"
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    shape = _published_keys()
    done: list[str] = []
    for name in library_order(manifest):
        done.append(name)
        compiled = compile_sources(
            [
                [SourceFile(file, (folder / file).read_text()) for file in manifest[found]["files"]]
                for found in done
                if found in _closure(manifest, name)
            ],
        )
        _check_keys(compiled.ir, shape)


def _check_keys(ir: dict[str, Any], shape: dict[str, list[str]]) -> None:
    _check_order([ir], shape["ROOT"])
    for section, keys in shape.items():
        if section.endswith("_declarations"):
            _check_order(ir[section], keys)
        elif section.endswith("_declarations.members"):
            for found in ir[section.removesuffix(".members")]:
                _check_order(found["members"], keys)
    for protocol in ir["protocol_declarations"]:
        _check_order(protocol["methods"], shape["methods"])


def _check_order(objects: list[dict[str, Any]], published: list[str]) -> None:
    for found in objects:
        places = [published.index(key) for key in found if key in published]
        assert places == sorted(places), (list(found), published)


def _closure(manifest: dict[str, Any], name: str) -> set[str]:
    found = {name}
    for used in manifest[name]["uses"]:
        found |= _closure(manifest, used)
    return found


def _published_keys() -> dict[str, list[str]]:
    shape: dict[str, list[str]] = {}
    section = ""
    for line in (REFERENCE / "ir_shape.txt").read_text().splitlines():
        heading = re.match(r"(\S+)  \(seen", line)
        key = re.match(r"   [!?] (\w+) :", line)
        if heading:
            section = heading[1]
            shape[section] = []
        elif key and section:
            shape[section].append(key[1])
    return shape
