"""Whatever the file is: the commands end, soon and within bounds, with words for a person."""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ipcrt.fidl.command import MAX_FILE_BYTES
from ipcrt.fidl.diagnostics import MAX_KEPT
from tests.support.hostile import AS_NOBODY, run

HEAD = "library a;\n"
DEEP = 10_000

# Each text, by what it is, with whether it compiles.
TEXTS: dict[str, tuple[Callable[[], bytes], bool]] = {
    "noise": (lambda: random.Random(7).randbytes(1 << 20), False),
    "no UTF-8": (lambda: b"library a;\n\xff\xfe", False),
    "UTF-16": (lambda: "library a;\n".encode("utf-16"), False),
    "NUL": (lambda: b"library a;\n\0\0type A = struct {};\n", False),
    "NUL in a string": (lambda: b'library a;\nconst A string = "a\0b";\n', False),
    "BOM": (lambda: b"\xef\xbb\xbflibrary a;\n", False),
    "lone surrogate": (lambda: b'library a;\nconst A string = "\\u{D800}";\n', True),
    "nothing": (lambda: b"", False),
    "a million empty lines": (lambda: HEAD.encode() + b"\n" * 1_000_000, True),
    "a line of 10 MB": (lambda: HEAD.encode() + b"//" + b"x" * 10_000_000, True),
    "a string of 10 MB": (
        lambda: HEAD.encode() + b'const A string = "' + b"x" * 10_000_000 + b'";',
        True,
    ),
    "a name of 10 MB": (lambda: HEAD.encode() + b"const " + b"a" * 10_000_000, False),
    "a number of a million digits": (
        lambda: HEAD.encode() + b"const A uint64 = " + b"9" * 1_000_000 + b";",
        False,
    ),
    "parentheses": (lambda: _nested("const A uint8 = ", "(", "1", ")"), False),
    "structs": (lambda: _nested("type A = ", "struct { a ", "uint8;", " };"), False),
    "vectors": (lambda: _nested("alias A = ", "vector<", "uint8", ">"), False),
    "brackets": (lambda: _nested("type A = ", "[", "", "]"), False),
    "bars": (lambda: _nested("const A uint8 = ", "1 | ", "1", ""), True),
    "dots": (lambda: _nested("alias A = ", "a.", "a", ""), False),
    "attributes": (lambda: _many("@a{} ", "type A = struct {};"), True),
    "one attribute, often": (lambda: _nested("", "@a ", "type A = struct {}", ""), False),
    "quotes": (lambda: HEAD.encode() + b'const A string = "' * 20_000, False),
    "a ring of aliases": (lambda: _many("alias A{} = A{};", "alias A10000 = A0;"), False),
}


def _nested(before: str, opening: str, middle: str, closing: str) -> bytes:
    return f"{HEAD}{before}{opening * DEEP}{middle}{closing * DEEP};\n".encode()


def _many(pattern: str, last: str) -> bytes:
    return (HEAD + "".join(pattern.format(n, n + 1) for n in range(DEEP)) + last).encode()


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.fidl"
    path.write_text("library good;\n\ntype A = struct {};\n")
    return path


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_compiled_or_refused_with_words(name: str, tmp_path: Path) -> None:
    make, compiles = TEXTS[name]
    path = tmp_path / "hostile.fidl"
    path.write_bytes(make())
    out = tmp_path / "ir.json"
    ended = run("fidlc", "--json", out, "--files", path)
    assert (ended.status == 0) == compiles == out.exists(), ended.errors[:500]
    assert bool(ended.errors) != compiles
    assert len(ended.errors) < 1_000 * MAX_KEPT
    if compiles:
        assert json.loads(out.read_bytes())["name"] == "a"


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
def test_the_other_tools_bear_it_too(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.fidl"
    path.write_bytes(TEXTS[name][0]())
    run("fidl-format", "--check", path)
    run("fidl-lint", path)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("pattern", ["alias A{} = A{};", "const A{} uint8 = A{};"])
def test_chains_of_a_hundred_thousand(pattern: str, tmp_path: Path) -> None:
    count = 100_000
    path = tmp_path / "chain.fidl"
    lines = [pattern.format(number, number + 1) for number in range(count)]
    last = pattern.format(count, 1).replace(
        " = A1;", " = uint8;" if "alias" in pattern else " = 1;"
    )
    path.write_text("\n".join([HEAD, *lines, last]))
    assert run("fidlc", "--files", path, seconds=120).status == 0
    run("fidl-format", "--check", path, seconds=120)
    run("fidl-lint", path, seconds=120)


def test_a_flood_of_mistakes_is_cut_short_and_counted(tmp_path: Path) -> None:
    count = 100_000
    path = tmp_path / "flood.fidl"
    path.write_text(HEAD + "#" * count)
    ended = run("fidlc", "--files", path)
    *_, total, left_out = ended.errors.splitlines()
    assert total == f"{count} error(s), 0 warning(s)"
    assert left_out.startswith(f"{count - MAX_KEPT} more are not shown")
    ended = run("fidlc", "--format", "json", "--files", path)
    assert len(json.loads(ended.output)) == MAX_KEPT
    assert ended.errors == f"{left_out}\n"
    assert run("fidl-lint", path).errors.count("fi-0001") == 20


@pytest.fixture
def no_files(tmp_path: Path) -> dict[str, str]:
    """Make what cannot be read as a file; answer what is to be said of each."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to(tmp_path / "back")
    (tmp_path / "back").symlink_to(tmp_path / "loop")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(50_000_000)
    reasons = {
        "fifo": "is a FIFO; nobody might ever write to it",
        "loop": "Too many levels of symbolic links",
        "huge": f"50000000 bytes exceed {MAX_FILE_BYTES}",
        "gone": "No such file or directory",
        ".": "is a directory",
        "/dev/zero": f"more than {MAX_FILE_BYTES} bytes",
        "/proc/self/mem": "Input/output error",
        "x" * 300: "File name too long",
    }
    return {str(tmp_path / name): reason for name, reason in reasons.items()}


def test_what_is_no_file_is_named_in_a_line(no_files: dict[str, str]) -> None:
    for name, reason in no_files.items():
        ended = run("fidlc", "--files", name)
        assert (ended.status, ended.output) == (1, "")
        assert ended.errors == f"error: {name}: {reason}\n"
    ended = run("fidl-format", *no_files)
    lines = [f"ipcrt: {name}: {reason}" for name, reason in no_files.items()]
    assert (ended.status, ended.errors.splitlines()) == (1, lines)
    name, reason = next(iter(no_files.items()))
    for verb in (["fidl-lint"], ["fidl-abi", name]):
        assert run(*verb, name).errors == f"ipcrt: {name}: {reason}\n"


def test_what_a_shell_s_substitution_gives_is_read(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, b"library piped;\n")
        os.close(writer)
        path = f"/proc/{os.getpid()}/fd/{reader}"
        assert run("fidlc", "--json", tmp_path / "ir.json", "--files", path).errors == ""
    finally:
        os.close(reader)
    assert json.loads((tmp_path / "ir.json").read_text())["name"] == "piped"


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become another user")
def test_without_permission() -> None:
    with tempfile.TemporaryDirectory(prefix="ipcrt-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = folder / "closed.fidl"
        path.write_text("library closed;\n")
        out = folder / "ir.json"
        ended = run("fidlc", "--json", out, "--files", path, start=AS_NOBODY)
        assert (ended.status, ended.errors) == (1, f"error: {out}: Permission denied\n")
        path.chmod(0)
        for verb in (["fidlc", "--files"], ["fidl-format", "--check"], ["fidl-lint"]):
            ended = run(*verb, path, start=AS_NOBODY)
            assert ended.status == 1
            assert ended.errors.endswith(f"{path}: Permission denied\n")


def test_output_that_cannot_be_written_is_told(good: Path, tmp_path: Path) -> None:
    ended = run("fidlc", "--json", "/dev/full", "--files", good)
    assert (ended.status, ended.errors) == (1, "error: /dev/full: No space left on device\n")
    ended = run("fidlc", "--json", good / "ir.json", "--files", good)
    assert (ended.status, ended.errors) == (1, f"error: {good / 'ir.json'}: Not a directory\n")
    assert run("fidlc", "--json", tmp_path / "a" / "b" / "ir.json", "--files", good).status == 0
    bad = tmp_path / "bad.fidl"
    bad.write_text("library b;\ntype A = X;\n")
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        for words in (["fidl-format", "--stdout", good], ["fidl-lint", bad]):
            assert "No space left on device" in run(*words, output=full).errors
        ended = run("fidlc", "--format", "json", "--files", bad, output=full)
        assert "No space left on device" in ended.errors
    finally:
        os.close(full)


def test_a_file_twice(good: Path) -> None:
    assert run("fidlc", "--files", good, good).status == 0
    ended = run("fidlc", "--files", good, "--files", good)
    assert (ended.status, ended.errors.count("[fi-0041]")) == (1, 1)
    assert run("fidl-lint", good, good).output == run("fidl-lint", good).output
    assert run("fidl-format", "--check", good, good).status == 0


def test_want_of_memory_is_told_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "large.fidl"
    path.write_text(HEAD + "type A = struct {};" * 200_000)
    ended = run("fidlc", "--files", path, memory_bytes=160 << 20)
    assert (ended.status, ended.errors) == (1, "ipcrt: out of memory\n")
