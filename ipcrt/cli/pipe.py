"""ipcrt pipe: one resource copied into another."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ipcrt.cli.options import JsonOption, SocketOption, TimeoutOption
from ipcrt.cli.resources_options import AppendOption, complete_uri


def pipe(
    from_uri: Annotated[
        str,
        typer.Argument(metavar="FROM", help="What is read.", autocompletion=complete_uri),
    ],
    to_uri: Annotated[
        str,
        typer.Argument(metavar="TO", help="What is written.", autocompletion=complete_uri),
    ],
    *,
    append: AppendOption = False,
    socket: SocketOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 25.0,
) -> None:
    """Copy the resource FROM into TO, and tell how much that was.

    The server of FROM writes to TO by itself, where it can; what comes by a connection, or from a
    process, goes through this command. TO is written over, unless --append or its URI says
    otherwise, and what it answers is dropped. The timeout is for opening, not for copying.
    """
    from ipcrt.cli.resources import check_output, check_uri, for_writing
    from ipcrt.cli.resources_pipe import run_pipe

    check_output()
    check_uri(from_uri)
    copied = run_pipe(from_uri, for_writing(to_uri, append=append), socket, timeout)
    if as_json:
        told = {
            "bytes": copied.bytes,
            "seconds": round(copied.seconds, 6),
            "bytes_per_second": round(copied.rate),
            "by": "server" if copied.by_server else "client",
        }
        typer.echo(json.dumps(told))
    else:
        typer.echo(f"{copied.bytes} bytes in {copied.seconds:.3f} s, {copied.rate / 1e6:.1f} MB/s")
