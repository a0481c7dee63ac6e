"""Wrong arguments are errors to mypy and to pyright, each in its line, and right ones are not."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT

PROGRAM = """\
from ipcrt.bindings.ends import ClientEnd, ServerEnd
from ipcrt.objects.event import Event
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort
from ipcrt.port.blocking import BlockingPort
from tests.conformance import contract as c


async def awaited(proxy: c.ClosedTargetProxy, event: Event, vmo: Vmo) -> None:
    await proxy.one_way_struct(1)
    await proxy.one_way_struct("x")  # wrong: another type
    await proxy.one_way_struct(None)  # wrong: absent
    await proxy.one_way_struct(1.5)  # wrong: not an integer
    await proxy.one_way_struct()  # wrong: missing
    await proxy.one_way_struct(1, 2)  # wrong: one too many
    await proxy.one_way_struct(sum=1)  # wrong: another name
    await proxy.one_way_struct(c.Some(1))  # wrong: the struct in place of its members
    proxy.one_way_struct(1)  # wrong: not awaited
    await proxy.one_way_strct(1)  # wrong: no such method
    proxy.one_way_struct_now(1)
    proxy.one_way_struct_now("x")  # wrong: another type
    proxy.one_way_struct_soon(1, print)
    proxy.one_way_struct_soon(1, lambda: None)  # wrong: takes no error
    await proxy.one_way_table(c.SomeTable(some=1))
    await proxy.one_way_table(c.Some(1))  # wrong: a struct
    await proxy.one_way_table(c.SomeTable(some="x"))  # wrong: a member's type
    await proxy.one_way_table(c.SomeTable(other=1))  # wrong: no such member
    await proxy.one_way_union(c.SomeUnionSome(1))
    await proxy.one_way_union(7)  # wrong: a bare value
    await proxy.one_way_union(c.AnswerValue("x"))  # wrong: another union's variant
    await proxy.one_way_handle(event)
    await proxy.one_way_handle(vmo)  # wrong: another kind of handle
    await proxy.one_way_handle(event.fileno())  # wrong: a number
    await proxy.one_way_handle(None)  # wrong: absent
    await proxy.optional(None, None, None)
    await proxy.optional("x", c.Some(1), event)
    await proxy.optional(None, None, vmo)  # wrong: another kind of handle
    await proxy.bounded(b"", "", [1], c.Size.SMALL)
    await proxy.bounded("", "", [1], c.Size.SMALL)  # wrong: text
    await proxy.bounded(b"", b"", [1], c.Size.SMALL)  # wrong: bytes
    await proxy.bounded(b"", "", ["x"], c.Size.SMALL)  # wrong: an element's type
    await proxy.bounded(b"", "", 1, c.Size.SMALL)  # wrong: not a list
    await proxy.bounded(b"", "", [1], 1)  # wrong: a number for an enum


async def answered(proxy: c.ClosedTargetProxy, event: Event) -> tuple[int, Event]:
    number = (await proxy.two_way_struct(1, timeout=None)).some
    text: str = (await proxy.two_way_struct(1)).some  # wrong: an integer
    await proxy.two_way_struct(1, timeout=text)  # wrong: no number
    await proxy.two_way_struct(1, 5)  # wrong: a deadline goes by its name
    print((await proxy.two_way_struct(1)).value)  # wrong: no such member
    proxy.two_way_struct(1).some  # wrong: not awaited
    return number, (await proxy.two_way_handle(event)).event


def blocking(proxy: c.ClosedTargetBlockingProxy, sender: c.ClosedTargetEventSender) -> int:
    proxy.one_way_struct("x")  # wrong: another type
    sender.on_struct(1)
    sender.on_struct("x")  # wrong: another type
    sender.on_union(c.Some(1))  # wrong: a struct
    return proxy.two_way_struct(1).some


def ends(
    client: ClientEnd[c.ClosedTarget],
    server: ServerEnd[c.ClosedTarget],
    other: ClientEnd[c.AjarTarget],
    port: AsyncPort,
    plain: BlockingPort,
) -> None:
    c.ClosedTargetProxy(client, port)
    c.ClosedTargetProxy(other, port)  # wrong: another protocol's end
    c.ClosedTargetProxy(server, port)  # wrong: the server's end
    c.ClosedTargetProxy(client, plain)  # wrong: a plain thread's port
    c.ClosedTargetBlockingProxy(client, port)  # wrong: a loop's port


class Mistaken(c.AjarTargetServer):
    def strict_one_way(self, text: str) -> None: ...  # wrong: takes nothing
    async def flexible_one_way(self) -> None: ...
    def ask(self) -> str: ...  # wrong: answers nothing


class Lacking(c.AjarTargetServer):
    def strict_one_way(self) -> None: ...
    def ask(self) -> None: ...


Mistaken()
Lacking()  # wrong: a method is missing
"""
EXPECTED = {number for number, line in enumerate(PROGRAM.splitlines(), 1) if "# wrong" in line}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_mypy_finds_each_wrong_call(program: Path) -> None:
    settings = ["--config-file", str(ROOT / "pyproject.toml"), "--follow-imports", "silent"]
    cache = ["--cache-dir", str(program.parent / "cache")]
    said = run(program.parent, "mypy", *settings, *cache, str(program))
    found = {int(line) for line in re.findall(r"program\.py:(\d+): error: ", said)}
    assert found == EXPECTED, said


def test_pyright_finds_each_wrong_call(program: Path) -> None:
    if importlib.util.find_spec("pyright") is None:
        pytest.skip("pyright is not installed")
    settings = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "include": [program.name],
        "extraPaths": [str(ROOT)],
    }
    (program.parent / "pyrightconfig.json").write_text(json.dumps(settings))
    said = run(
        program.parent,
        "pyright",
        "--outputjson",
        "--pythonpath",
        sys.executable,
        "--project",
        str(program.parent),
    )
    reports = json.loads(said)["generalDiagnostics"]
    found = {each["range"]["start"]["line"] + 1 for each in reports if each["severity"] == "error"}
    assert found == EXPECTED, [
        (each["range"]["start"]["line"] + 1, each["message"]) for each in reports
    ]
