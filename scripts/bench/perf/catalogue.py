"""The rows there are, and why some cannot run here."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

from scripts.bench.perf.row import Kind, Row

ROOT: Final = Path(__file__).resolve().parents[3]
ROWS: Final = Path(__file__).resolve().parent / "rows"
ORDER: Final = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row, and the file that it is in."""

    row: Row
    file: Path
    reason: str | None
    """Why it is skipped."""


def load(file: Path) -> tuple[Row, ...]:
    """Import a module of rows, under the name that it has in the tree."""
    path = file.relative_to(ROOT) if file.is_relative_to(ROOT) else Path(file.name)
    name = ".".join(path.with_suffix("").parts)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    rows: tuple[Row, ...] = module.ROWS
    return rows


def find() -> tuple[list[Entry], list[str]]:
    """Answer all rows, in the tables' order, and what is wrong with files that have none."""
    entries: list[Entry] = []
    wrong: list[str] = []
    for file in sorted([*ROWS.glob("*.py"), *(ROWS / "peers").glob("*.py")]):
        if file.name.startswith("_"):
            continue
        try:
            entries += (Entry(row, file, reason(row)) for row in load(file))
        except Exception as error:  # noqa: BLE001  (one file's mistake leaves the others)
            wrong.append(f"{file.name}: {type(error).__name__}: {error}")
    return sorted(entries, key=lambda entry: ORDER.index(entry.row.kind)), wrong


def reason(row: Row) -> str | None:
    """Answer why a row cannot run here; None where it can."""
    for each in row.requires:
        command = each.removeprefix("command:")
        if command != each:
            if shutil.which(command, path=os.environ.get("PATH")) is None:
                return f"no command {command}"
        elif importlib.util.find_spec(each) is None:
            return f"no module {each}"
    return None if row.unfit is None else row.unfit()


def choose(entries: list[Entry], only: list[str]) -> list[Entry]:
    """Answer the rows that have one of the names, or whose name begins with one.

    Raises: LookupError: a name that is no row's beginning.
    """
    for name in only:
        if not any(entry.row.name.startswith(name) for entry in entries):
            known = ", ".join(repr(entry.row.name) for entry in entries)
            raise LookupError(f"no row {name!r}; there are {known}")
    return [entry for entry in entries if any(entry.row.name.startswith(name) for name in only)]
