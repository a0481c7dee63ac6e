"""Complaints: an error as one line, and the exit status that goes with it."""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

import typer

from ipcrt.errors import IpcError, Status

TRACEBACK_VARIABLE: Final = "IPCRT_TRACEBACK"
"""Environment variable that lets an error's traceback through, for whoever looks for a defect."""

FAILED: Final = 1
MISUSED: Final = 2
INTERRUPTED: Final = 130


class Misused(Exception):
    """The command was given something that it cannot take; the message says what, in one line."""

    exit_code = MISUSED

    def format_message(self) -> str:
        """Answer the message."""
        return str(self)


@runtime_checkable
class _Misuse(Protocol):
    """`Misused`, and what typer raises for arguments; it does not show the class of that."""

    exit_code: int

    def format_message(self) -> str: ...


def complaint(error: Exception) -> str:
    """Say in one line what went wrong, for whoever typed the command."""
    if isinstance(error, _Misuse):
        return _line(error.format_message() + _help_of(error))
    if isinstance(error, IpcError):
        return _line(_with_status(error))
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{error.filename}: "
        return _line(f"{place}{error.strerror}")
    if isinstance(error, typer.Abort):
        return "interrupted"
    return _line(f"unexpected {type(error).__name__}: {error}")


def exit_status(error: Exception) -> int:
    """Answer the exit status for `error`."""
    if isinstance(error, _Misuse):
        return error.exit_code
    return INTERRUPTED if isinstance(error, typer.Abort) else FAILED


def _with_status(error: IpcError) -> str:
    """Name the status too, where the message does not: scripts and people look for it."""
    text, name = str(error), error.status.name
    return text if error.status is Status.OK or name in text else f"{text} ({name})"


def _help_of(error: _Misuse) -> str:
    context = getattr(error, "ctx", None)
    return "" if context is None else f" (see {context.command_path} --help)"


def _line(text: str) -> str:
    return " ".join(text.split())
