"""ipcrt open: the data of one resource, from and to the standard streams."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ipcrt.cli.options import JsonOption, SocketOption, TimeoutOption
from ipcrt.cli.resources_options import AppendOption, UriArgument

if TYPE_CHECKING:
    from ipcrt.cli.resources_open import Opening


def open_(
    uri: UriArgument,
    *,
    write: Annotated[
        bool,
        typer.Option("--write", help="Send standard input there, over what is there."),
    ] = False,
    append: AppendOption = False,
    socket: SocketOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 25.0,
) -> int:
    """Copy the data of the resource URI to standard output.

    Standard input is sent to a resource that is opened to be written, by --write, --append or its
    URI, and to one that goes both ways, such as tcp://HOST:PORT; to a file or key that is read,
    never. A directory is listed, a name a line. What a process says on its stderr comes on stderr,
    and its exit status is that of the command.
    """
    from ipcrt.cli.resources_open import run_open

    opening: Opening = _opening(uri, socket, timeout, write=write, append=append, as_json=as_json)
    try:
        return run_open(opening)
    except BrokenPipeError:
        _die_of_broken_pipe()
        raise


def _opening(
    uri: str, socket: Path | None, timeout: float, *, write: bool, append: bool, as_json: bool
) -> Opening:
    from ipcrt.cli.resources import check_uri, for_writing
    from ipcrt.cli.resources_open import Opening

    scheme = check_uri(uri)
    if write or append:
        uri = for_writing(uri, append=append)
    return Opening(uri, scheme, socket, timeout, sends=write or append, as_json=as_json)


def _die_of_broken_pipe() -> None:
    """End as cat does where nobody reads any more: by the signal, which a shell knows."""
    import os
    import signal

    sys.stdout.flush()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
