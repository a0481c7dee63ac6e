"""ipcrt call: one call of one method, by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ipcrt.cli.options import (
    JsonOption,
    NameArgument,
    ProtocolOption,
    SocketOption,
    TimeoutOption,
)


def call(
    name: NameArgument,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Such as write_item.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ARGUMENT",
            help="NAME=VALUE, or all in one JSON object; item.key=a reaches into a member, "
            "A|B gives bits, @PATH a file.",
        ),
    ] = None,
    *,
    socket: SocketOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 25.0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to put a file that comes back."),
    ] = None,
    protocol: ProtocolOption = None,
) -> None:
    """Call METHOD of the protocol NAME and print the reply.

    A file or VMO in the reply is copied to standard output, or to --output.
    """
    from ipcrt.cli.arguments import read_arguments
    from ipcrt.cli.conversation import Conversation
    from ipcrt.cli.protocols import find_method, find_protocol
    from ipcrt.locator.connect import connect_blocking

    spoken = find_protocol(protocol or name)
    found = find_method(spoken, method)
    request = read_arguments(found.request.type, arguments or ())
    with (
        connect_blocking(socket, timeout=timeout) as locator,
        Conversation(locator, name, spoken) as conversation,
    ):
        reply = conversation.call(found, request, timeout)
    _print_reply(reply, output, as_json=as_json)


def _print_reply(reply: Any, output: Path | None, *, as_json: bool) -> None:
    from ipcrt.cli.complaint import Misused
    from ipcrt.cli.show import copy_content, find_content, to_json
    from ipcrt.objects.handle import Handle, close_all

    handles: list[Handle] = []
    shown = to_json(reply, handles)
    try:
        content = find_content(handles)
        if output is not None:
            if content is None:
                raise Misused("--output: no file came with the reply")
            with output.open("wb") as target:
                copy_content(content, target)
        elif content is not None and not as_json:
            copy_content(content, sys.stdout.buffer)
            return
        if shown is not None:
            typer.echo(json.dumps(shown, indent=None if as_json else 2))
    finally:
        close_all(handles)
