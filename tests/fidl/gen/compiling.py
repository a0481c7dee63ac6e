"""From FIDL text to a module that can be used, in one process."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

from ipcrt.fidl.command import run_fidlc
from ipcrt.fidl.gen.module import Options, generate

ROOT = Path(__file__).resolve().parents[3]
ZX = ROOT / "ipcrt/fidl/zx.fidl"
HERE = Path(__file__).parent


def compile_ir(
    folder: Path, *texts: str, available: str = "ipcrt:HEAD", flags: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Answer the IR of the last library; the others, and zx, are its dependencies."""
    out, reports = folder / "ir.json", list[str]()
    arguments = ["--json", str(out), "--available", available, "--files", str(ZX)]
    for flag in flags:
        arguments += ["--experimental", flag]
    for number, text in enumerate(texts):
        source = folder / f"{number}.fidl"
        source.write_text(text)
        arguments += ["--files", str(source)]
    assert run_fidlc(arguments, reports.append, reports.append) == 0, "".join(reports)
    ir: dict[str, Any] = json.loads(out.read_text())
    return ir


def load(ir: dict[str, Any], name: str, options: Options | None = None) -> Any:
    """Generate a module and run it, as module `name`."""
    module = types.ModuleType(name)
    sys.modules[name] = module  # where annotations are looked up
    exec(compile(generate(ir, options), name, "exec"), module.__dict__)  # noqa: S102
    return module
