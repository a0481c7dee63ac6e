"""ipcrt list: the names that this user may open at a locator."""

from __future__ import annotations

import json

import typer

from ipcrt.cli.options import JsonOption, SocketOption, TimeoutOption


def list_(
    socket: SocketOption = None, as_json: JsonOption = False, timeout: TimeoutOption = 10.0
) -> None:
    """List the names that may be opened, one a line."""
    from ipcrt.locator.connect import connect_blocking

    with connect_blocking(socket, timeout=timeout) as locator:
        entries = locator.proxy.get_entries(timeout=timeout).entries
    if as_json:
        found = [{"name": each.name, "state": each.state.name} for each in entries]
        typer.echo(json.dumps(found))
        return
    for each in entries:
        typer.echo(each.name)
