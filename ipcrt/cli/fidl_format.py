"""ipcrt fidl-format: bring FIDL files into canonical layout."""

from __future__ import annotations

from typing import Annotated

import typer

from ipcrt.cli.complaint import Failed, Misused, complaint
from ipcrt.cli.fidl_files import FilesArgument, complain, read_text, replace_text, say


def fidl_format(
    files: FilesArgument,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; name the files that would change.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; show what would change.")
    ] = False,
    stdout: Annotated[
        bool, typer.Option("--stdout", help="Write to standard output, not to the files.")
    ] = False,
) -> int:
    """Bring FIDL files into canonical layout, comments kept.

    A file with a mistake is left alone. Exit status: 1 where there was one, or where --check or
    --diff found something to change.
    """
    if check + diff + stdout > 1:
        raise Misused("--check, --diff and --stdout exclude each other")
    mode = "check" if check else "diff" if diff else "stdout" if stdout else "write"
    done = [_format(name, mode) for name in files]
    return 0 if all(done) else 1


def _format(name: str, mode: str) -> bool:
    """Format one file; answer False where something is wrong or, if asked, would change."""
    from ipcrt.fidl.format import format_diff, format_text
    from ipcrt.fidl.parsed import Unparsable

    try:
        before = read_text(name)
        after = format_text(name, before)
        if mode == "write" and after != before:
            replace_text(name, after)
    except Unparsable as error:
        complain(f"{error}\n")
        return False
    except (Failed, OSError) as error:
        complain(f"ipcrt: {complaint(error)}\n")
        return False
    if mode == "stdout":
        say(after)
    elif mode == "check" and after != before:
        say(f"{name}: would change\n")
    elif mode == "diff" and after != before:
        say(format_diff(name, before))
    return mode in ("write", "stdout") or after == before
