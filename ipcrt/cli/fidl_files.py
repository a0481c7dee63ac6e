"""What the FIDL verbs read and write: libraries, IRs, and text on standard output."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ipcrt.cli.complaint import Failed

FilesArgument = Annotated[
    list[str], typer.Argument(metavar="FILES...", help="FIDL files, in UTF-8.", show_default=False)
]


def read_text(name: str) -> str:
    """Answer a file's text, line ends as they are. Raises: Failed: no readable file of UTF-8."""
    from ipcrt.fidl.command import UsageError, read_source

    try:
        return read_source(name).text
    except UsageError as error:
        raise Failed(str(error)) from None


def replace_text(name: str, text: str) -> None:
    """Put `text` in place of a file's, all or nothing; mode and symbolic links stay.

    The file need not be there before. A device or a pipe is written to.
    Raises: OSError.
    """
    target = Path(name).resolve()
    if target.exists() and not target.is_file():
        target.write_bytes(text.encode())
        return
    try:
        descriptor, beside = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        error.filename = name  # what was asked for, not the file beside it
        raise
    try:
        with open(descriptor, "wb") as file:
            file.write(text.encode())
        os.chmod(beside, _mode_of(target))
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _mode_of(target: Path) -> int:
    """Answer a file's mode; that of a new file where there is none."""
    if target.exists():
        return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def say(text: str) -> None:
    """Write on standard output in UTF-8, whatever the locale; names of files come out as bytes."""
    typer.echo(text.encode("utf-8", "surrogateescape"), nl=False)


def complain(text: str) -> None:
    """Write on standard error, which escapes what it cannot show."""
    sys.stderr.write(text)
