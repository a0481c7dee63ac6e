"""ipcrt activate: socket activation for machines without systemd."""

from __future__ import annotations

from typing import Annotated

import typer

from ipcrt.cli.complaint import Misused
from ipcrt.cli.options import SocketOption


def activate(
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="What to start, and its arguments.")
    ],
    socket: SocketOption = None,
    name: Annotated[
        str,
        typer.Option("--name", metavar="NAME", help="The socket's name in $LISTEN_FDNAMES."),
    ] = "locator",
    mode: Annotated[
        str,
        typer.Option("--mode", metavar="OCTAL", help="Who may connect: the socket's mode bits."),
    ] = "600",
    once: Annotated[
        bool, typer.Option("--once", help="End with the command instead of waiting again.")
    ] = False,
) -> None:
    """Listen, and start COMMAND on the first connection.

    COMMAND gets the listening socket as descriptor 3, as from systemd. When it has ended, the next
    connection starts it again. SIGTERM and SIGINT are passed on, and end this too.
    """
    from ipcrt.cli.launch import check_name, find_program
    from ipcrt.cli.supervisor import Supervisor
    from ipcrt.locator.connect import locator_path
    from ipcrt.locator.listener import Listener

    bits = _mode(mode)
    check_name(name)
    command = [find_program(command[0]), *command[1:]]
    with Listener.bind(locator_path(socket), bits) as listener:
        supervisor = Supervisor(listener.fileno(), name, command, once=once)
        listening = f"ipcrt activate: listening at {listener.path}"
        raise typer.Exit(supervisor.run(lambda: typer.echo(listening, err=True)))


def _mode(text: str) -> int:
    try:
        bits = int(text, 8)
    except ValueError:
        bits = -1
    if not 0 <= bits <= 0o777:
        raise Misused(f"{text!r} is no mode: three octal digits, such as 660")
    return bits
