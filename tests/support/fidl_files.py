"""Files that are no FIDL library, for the verbs to refuse in one line."""

from __future__ import annotations

from pathlib import Path

UGLY = "library a; // what for\ntype   A = struct{ b vector<byte>:9;};\n"
NEAT = """\
library a; // what for

type A = struct {
    b vector<byte>:9;
};
"""


def unreadable(where: Path) -> dict[str, Path]:
    """Make files that cannot be read as text, each with a word of what is said of it."""
    noise = where / "noise"
    noise.write_bytes(b"library a;\n\xff\xfe")
    return {"is a directory": where, "No such file": where / "missing", "UTF-8": noise}
