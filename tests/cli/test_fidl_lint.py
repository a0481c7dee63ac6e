from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Command
from tests.support.fidl_files import unreadable

WARNED = """\
/// Says hello.
library a;

/// A name.
type A = struct {
    /// It.
    b string;
};
"""


def test_says_what_will_be_regretted(ipcrt: Command, where: Path) -> None:
    path = where / "a.fidl"
    path.write_text(WARNED)
    ended = ipcrt("fidl-lint", path)
    assert (ended.status, ended.errors) == (1, "")
    assert f"{path}:7:7: warning: " in ended.output
    assert "[unbounded-string]" in ended.output
    ended = ipcrt("fidl-lint", "--json", path)
    assert ended.status == 1
    assert "unbounded-string" in [found["id"] for found in json.loads(ended.output)]


def test_advice_alone_is_no_failure(ipcrt: Command, where: Path) -> None:
    path = where / "a.fidl"
    path.write_text(WARNED.replace("string", "string:9").replace("    /// It.\n", ""))
    ended = ipcrt("fidl-lint", path, path)
    assert (ended.status, ended.errors) == (0, "")
    assert "advice: " in ended.output


def test_what_does_not_parse_is_refused(ipcrt: Command, where: Path) -> None:
    path = where / "a.fidl"
    path.write_text("library a; type")
    ended = ipcrt("fidl-lint", path)
    assert (ended.status, ended.output) == (1, "")
    assert ended.errors.startswith(f"{path}:1:")
    assert "Traceback" not in ended.errors


def test_what_is_no_text_is_refused(ipcrt: Command, where: Path) -> None:
    for said, file in unreadable(where).items():
        ended = ipcrt("fidl-lint", file)
        assert (ended.status, ended.output) == (1, "")
        [line] = ended.errors.splitlines()
        assert said in line
