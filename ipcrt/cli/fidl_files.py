"""What the FIDL verbs read and write: libraries, IRs, and text on standard output."""

from __future__ import annotations

import contextlib
import os
import shutil
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

    Raises: OSError.
    """
    target = Path(name).resolve()
    descriptor, beside = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(text.encode())
        shutil.copymode(target, beside)
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def say(text: str) -> None:
    """Write on standard output in UTF-8, whatever the locale; names of files come out as bytes."""
    typer.echo(text.encode("utf-8", "surrogateescape"), nl=False)


def complain(text: str) -> None:
    """Write on standard error, which escapes what it cannot show."""
    sys.stderr.write(text)
