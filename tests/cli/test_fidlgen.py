from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.support.fidl_files import unreadable

TEXT = "library a.b;\ntype S = struct { n uint8; };\nprotocol P { strict Go(S); };\n"


@pytest.fixture
def ir(ipcrt: Command, where: Path) -> Path:
    (where / "a.fidl").write_text(TEXT)
    out = where / "ir.json"
    assert ipcrt("fidlc", "--json", out, "--files", where / "a.fidl").status == 0
    return out


def test_a_module_is_written_at_once(ipcrt: Command, where: Path, ir: Path) -> None:
    out = where / "a_b.py"
    ended = ipcrt("fidlgen", "--json", ir, "--out", out)
    assert (ended.status, ended.output, ended.errors) == (0, "", "")
    assert "class S(Struct):\n" in out.read_text()
    out.chmod(0o600)
    link = where / "link.py"
    link.symlink_to(out)
    out.write_text("old")
    assert ipcrt("fidlgen", "--json", ir, "--out", link).status == 0
    assert "class S(Struct):\n" in out.read_text()
    assert link.is_symlink()
    assert out.stat().st_mode & 0o777 == 0o600
    names = ["a.fidl", "a_b.py", "ir.json", "link.py"]
    assert sorted(each.name for each in where.iterdir()) == names


def test_standard_output_is_a_dash(ipcrt: Command, where: Path, ir: Path) -> None:
    ended = ipcrt("fidlgen", "--json", ir, "--out", "-")
    assert (ended.status, ended.errors) == (0, "")
    assert ended.output.startswith("# Library a.b: generated; do not edit.\n")
    assert not (where / "-").exists()


def test_others_are_imported_from_the_package_that_is_named(
    ipcrt: Command, where: Path, ir: Path
) -> None:
    (where / "c.fidl").write_text("library c;\nusing a.b;\ntype T = struct { s a.b.S; };\n")
    files = ["--files", where / "a.fidl", "--files", where / "c.fidl"]
    assert ipcrt("fidlc", "--json", ir, *files).status == 0
    ended = ipcrt("fidlgen", "--json", ir, "--out", "-", "--package", "my.bindings")
    assert "from my.bindings import a_b\n" in ended.output
    for bad in ("a-b", "a.", "a..b", "class", "a; import os", "a\nb"):
        _refused(ipcrt("fidlgen", "--json", ir, "--out", "-", "--package", bad), "is no package")


def test_another_package_brings_a_back_end(ipcrt: Command, where: Path, ir: Path) -> None:
    (where / "shouting.py").write_text(
        "def generate(ir, options):\n    return ir['name'].upper() + options.package_prefix\n"
        "def refuse(ir, options):\n    raise ValueError('too\\nquiet')\n"
        "def fail(ir, options):\n    return 1 // 0\n"
    )
    about = where / "shouting-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    lines = "".join(f"{each} = shouting:{each}\n" for each in ("generate", "refuse", "fail", "no"))
    (about / "entry_points.txt").write_text(f"[ipcrt.fidl.backends]\n{lines}")
    ipcrt.environment["PYTHONPATH"] += f":{where}"
    options = ["fidlgen", "--json", ir, "--out", "-", "--package", "!", "--backend"]
    ended = ipcrt(*options, "generate")
    assert (ended.status, ended.output, ended.errors) == (0, "A.B!", "")
    _refused(ipcrt(*options, "refuse"), f"{ir}: too quiet")
    _refused(ipcrt(*options, "fail"), "ZeroDivisionError")
    _refused(ipcrt(*options, "no"), "back end 'no'")
    _refused(ipcrt(*options, "rust"), "there is no back end 'rust'; there are python, fail, gen")
    words = f"ipcrt fidlgen --json {ir} --backend re"
    wanted = {"_IPCRT_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "5"}
    assert ipcrt(environment=wanted).output.split() == ["refuse"]


def test_what_cannot_be_read_or_written_is_told(ipcrt: Command, where: Path, ir: Path) -> None:
    for said, file in unreadable(where).items():
        _refused(ipcrt("fidlgen", "--json", file, "--out", "-"), said)
    for out, said in ((where, "directory"), (where / "missing/a.py", "No such file")):
        _refused(ipcrt("fidlgen", "--json", ir, "--out", out), f"{out}: ", said)
    assert ipcrt("fidlgen", "--json", ir).status == 2
    assert ipcrt("fidlgen", "--out", "-").status == 2


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "no JSON: Expecting value"),
        ("{", "no JSON: "),
        ("library a;", "no JSON: "),
        ("[1]", "no JSON IR, which is an object"),
        ("null", "no JSON IR"),
        ("{}", "not a library's JSON IR: no 'name'"),
        ('{"name": "a", "name": "a b"}', "'a b' is no identifier"),
        ('{"name": "a", "declarations": {"a/B": "struct"}}', "declaration_order"),
        ('{"name": "a", "declarations": []}', "not a library's JSON IR"),
        ("[" * 100_000, "nested too deep"),
        ('{"name": "a", "x": ' + "9" * 5000 + "}", "no JSON"),
    ],
)
def test_what_is_no_ir_is_refused_in_one_line(
    ipcrt: Command, where: Path, text: str, said: str
) -> None:
    bad, out = where / "bad.json", where / "out.py"
    bad.write_text(text)
    out.write_text("as it was")
    _refused(ipcrt("fidlgen", "--json", bad, "--out", out), f"{bad}: ", said)
    assert out.read_text() == "as it was"


def test_types_nested_deep_and_irs_that_are_large(ipcrt: Command, where: Path, ir: Path) -> None:
    found: dict[str, Any] = json.loads(ir.read_text())
    member = found["struct_declarations"][0]["members"][0]
    for _ in range(400):
        vector = {"kind_v2": "vector", "nullable": False, "maybe_element_count": 1}
        member["type"] = {**vector, "element_type": member["type"]}
    ir.write_text(json.dumps(found))
    _refused(ipcrt("fidlgen", "--json", ir, "--out", "-"), "not a library's JSON IR: ")
    lines = "".join(f"type T{n} = struct {{ a uint8; b string:9; }};\n" for n in range(3000))
    (where / "large.fidl").write_text(f"library large;\n{lines}")
    assert ipcrt("fidlc", "--json", ir, "--files", where / "large.fidl").status == 0
    ended = ipcrt("fidlgen", "--json", ir, "--out", "-")
    assert (ended.status, ended.output.count("\nclass ")) == (0, 3000)


def _refused(ended: Any, *said: str) -> None:
    assert (ended.status, ended.output) == (1, "")
    [line] = ended.errors.splitlines()
    assert line.startswith("ipcrt: ")
    for each in said:
        assert each in line
