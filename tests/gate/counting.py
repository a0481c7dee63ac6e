"""Count instructions: valgrind runs the cases, and writes its counters at every mark.

What is counted is user space alone, and every operation is counted twice over to leave out what
is not the operation: N of them are taken off 2N. The same code gives the same count to 0.1 %.
Source: valgrind's manual, callgrind, `--dump-before`.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.gate.cases import CASES
from tests.gate.counted import MARK, MARKS_PER_CASE, PURE, SPEEDUPS

ROOT: Final = Path(__file__).resolve().parents[2]
_EXTENSION: Final = "ipcrt._speedups._native"


@dataclasses.dataclass(frozen=True, slots=True)
class Counted:
    """What one operation of each case costs in instructions, and the build it was counted on."""

    build: dict[str, str]
    instructions: dict[str, int]

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Counted:
        return cls(value["build"], value["instructions"])

    def to_json(self) -> dict[str, Any]:
        return {"build": self.build, "instructions": self.instructions}


def modes() -> list[str]:
    """Answer the ways this tree can run: in pure Python, and with the extension where it is built.

    Raises: ImportError: the tree is broken.
    """
    return [PURE] if importlib.util.find_spec(_EXTENSION) is None else [PURE, SPEEDUPS]


def count(mode: str) -> Counted:
    """Count every case in a process of its own.

    Raises: FileNotFoundError: no valgrind here. CalledProcessError: a case failed. RuntimeError:
    it ran in another mode, as it does where the extension cannot be loaded.
    """
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    environment.pop("IPCRT_PURE", None)
    if mode == PURE:
        environment["IPCRT_PURE"] = "1"
    with tempfile.TemporaryDirectory(prefix="ipcrt-gate-") as directory:
        out = Path(directory, "counters")
        command = [
            "valgrind",
            "--quiet",
            "--tool=callgrind",
            f"--dump-before={MARK}",
            "--dump-instr=no",
            f"--callgrind-out-file={out}",
            sys.executable,
            "-m",
            "tests.gate.counted",
        ]
        done = subprocess.run(
            command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
        )
        dumps = range(1, MARKS_PER_CASE * len(CASES) + 1)
        counters = [total((out.parent / f"{out.name}.{each}").read_text()) for each in dumps]
    told = json.loads(done.stdout)
    if told["mode"] != mode:
        raise RuntimeError(f"{mode} was wanted, {told['mode']} ran")
    return Counted(told["build"], per_operation(counters))


def total(dump: str) -> int:
    """Read how many instructions one dump of callgrind's is about.

    Raises: ValueError: it does not say.
    """
    for line in dump.splitlines():
        name, _, value = line.partition(": ")
        if name == "totals":
            return int(value)
    raise ValueError("a dump of callgrind's without totals")


def per_operation(counters: list[int]) -> dict[str, int]:
    """Work out each case's instructions from what was counted up to each of its marks."""
    found: dict[str, int] = {}
    for index, (name, (_, times)) in enumerate(CASES.items()):
        _, once, twice = counters[MARKS_PER_CASE * index : MARKS_PER_CASE * (index + 1)]
        found[name] = round((twice - once) / times)
    return found
