"""ipcrt invoke: one method of a resource, by hand."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from ipcrt.cli.options import JsonOption, SocketOption, TimeoutOption
from ipcrt.cli.resources_options import UriArgument


def invoke(
    uri: UriArgument,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Such as stat.")],
    arguments: Annotated[
        str | None,
        typer.Argument(metavar="ARGS", help="Text; @PATH: a file's bytes; -: standard input's."),
    ] = None,
    *,
    msgpack: Annotated[
        str | None,
        typer.Option(
            "--msgpack",
            metavar="JSON",
            help='ARGS as MessagePack; bytes are {"base64": "..."}.',
        ),
    ] = None,
    socket: SocketOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 25.0,
) -> None:
    """Call METHOD of the resource URI and write what it answers.

    That is bytes, which go to standard output as they are; with --json a result in MessagePack is
    shown as JSON. A scheme alone, without a colon, is the server of that scheme itself.
    """
    from ipcrt.cli.resources import check_output, explained, server_of
    from ipcrt.cli.resources_values import arguments_of, shown
    from ipcrt.errors import IpcError
    from ipcrt.locator.connect import connect_blocking
    from ipcrt.locator.resources import open_resources_blocking

    check_output()
    server_of(uri)
    given = arguments_of(arguments, msgpack)
    with (
        connect_blocking(socket, timeout=timeout) as locator,
        open_resources_blocking(locator, uri) as client,
    ):
        try:
            result = client.invoke(uri if ":" in uri else None, method, given, timeout=timeout)
        except IpcError as error:
            raise explained(error, uri, closed=client.closed) from error
    if as_json:
        typer.echo(json.dumps(shown(result)))
    else:
        sys.stdout.buffer.write(result)
