"""ipcrt spawn: start a command that may open some names only."""

from __future__ import annotations

from typing import Annotated

import typer

from ipcrt.cli.options import SocketOption, complete_name


def spawn(
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="What to start, and its arguments.")
    ],
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--open",
            metavar="NAME",
            help="What it may open, library/Protocol; may be given several times.",
            autocompletion=complete_name,
        ),
    ] = None,
    socket: SocketOption = None,
) -> None:
    """Start COMMAND, which may open nothing but what --open says.

    What it opens is opened for it by this command, which ends with it and answers its status,
    128 and the number where a signal has ended it. It is ended by SIGTERM if this ends first.
    """
    import signal

    from ipcrt.locator.connect import locator_path
    from ipcrt.locator.namespace import Namespace
    from ipcrt.locator.namespace_grant import Grant
    from ipcrt.locator.spawn import spawn_blocking

    with Namespace.of_locator(locator_path(socket)) as own:
        grant = Grant(names or (), source=own)
        signal.signal(signal.SIGINT, _leave_to_command)
        with spawn_blocking(command, namespace=grant, die_with_parent=signal.SIGTERM) as child:
            status = child.wait()
    raise typer.Exit(status if status >= 0 else 128 - status)


def _leave_to_command(_number: int, _frame: object) -> None:
    """Take Ctrl-C, which is the command's; a handler, because SIG_IGN would be inherited."""
