"""What a library may import without anybody giving its files: `zx`, for handles.

A library of that name among those that are given takes its place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ipcrt.fidl.compile import compile_library
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.library import Library, Session
from ipcrt.fidl.source import SourceFile

ZX: Final = Path(__file__).with_name("zx.fidl")


def provide(name: str, session: Session, reporter: Reporter) -> Library | None:
    """Compile the standard library of that name into the session; None: there is none."""
    if name != "zx":
        return None
    source = SourceFile("zx.fidl (built in)", ZX.read_text(encoding="utf-8"))
    return compile_library([source], session, reporter)
