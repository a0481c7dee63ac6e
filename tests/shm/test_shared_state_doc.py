"""What docs/shared-state.md says, against the code."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

from ipcrt.shm.layout import LINE_BYTES, SLOTS
from ipcrt.shm.state_format import HEADER, MAGIC, VERSION, Flags, Notes, write_header
from tests.shm.state_scene import LAYOUT

PAGE = (Path(__file__).parents[2] / "docs/shared-state.md").read_text()


def test_the_example_runs() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    module = types.ModuleType("shared_state_example")
    sys.modules[module.__name__] = module  # where annotations are looked up
    try:
        exec(compile(source, "shared-state.md", "exec"), module.__dict__)  # noqa: S102
    finally:
        del sys.modules[module.__name__]


def test_the_header_is_as_it_says() -> None:
    line = bytearray(LINE_BYTES)
    write_header(memoryview(line), LAYOUT, Flags.CHECKED)
    table = re.findall(r"^\| (\d+) \| (\d) \| (.*) \|$", PAGE, re.MULTILINE)[:5]
    words = [
        int.from_bytes(line[int(at) : int(at) + int(size)], sys.byteorder) for at, size, _ in table
    ]
    assert words == [
        int.from_bytes(MAGIC, sys.byteorder),
        VERSION,
        Flags.CHECKED,
        LAYOUT.hash,
        LAYOUT.size,
    ]
    assert f"`{MAGIC.decode()}`" in table[0][2]
    assert sum(int(size) for _, size, _ in table) == HEADER.size


def test_the_numbers_are_the_codes() -> None:
    assert SLOTS == 4
    assert "and four\nslots" in PAGE
    assert (int(Flags.CHECKED), int(Notes.QUIET)) == (1, 1)
