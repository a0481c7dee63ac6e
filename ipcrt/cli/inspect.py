"""ipcrt inspect: what the locator and the services tell of themselves, dead or alive."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from ipcrt.cli.options import JsonOption, SocketOption, TimeoutOption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipcrt.cli.trees import Told

_TO_TOP = "\x1b[H\x1b[J"
"""Go to the first line and clear all below. Source: ECMA-48, CUP and ED."""


def inspect(
    service: Annotated[
        str | None,
        typer.Argument(metavar="SERVICE", help="library/Protocol, or a pattern; without: all."),
    ] = None,
    *,
    socket: SocketOption = None,
    as_json: JsonOption = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show again and again what changed, until Ctrl-C.")
    ] = False,
    interval: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", min=0.05, help="For --watch.")
    ] = 1.0,
    timeout: TimeoutOption = 10.0,
) -> None:
    """Show what the locator and each service hold, dead or alive.

    That is queues, limits, descriptors, and the busiest clients.

    DEAD: its process has gone, and this is what it said last. TORN: it was stopped in the middle of
    a change. HANGS: it is there, and does not refresh what it tells.
    """
    from ipcrt.cli.complaint import Failed
    from ipcrt.cli.trees import fetch
    from ipcrt.locator.connect import connect_blocking

    with connect_blocking(socket, timeout=timeout) as locator:
        told = fetch(locator.proxy, service, timeout)
        if not told and not watch:
            raise Failed(f"{service or 'nobody'}: no diagnostics that this user may see")
        if not watch:
            _print(told, as_json=as_json)
            return
        screen = _Screen(as_json=as_json)
        while True:
            screen.show(told)
            time.sleep(interval)
            told = fetch(locator.proxy, service, timeout)


def _print(found: list[Told], *, as_json: bool) -> None:
    from ipcrt.cli import tree_text

    if as_json:
        typer.echo(json.dumps([tree_text.as_json(told) for told in found]))
        return
    for told in found:
        for line in tree_text.lines_of(told):
            typer.echo(line)


class _Screen:
    """Shows trees over and over: all of them on a terminal, elsewhere what changed."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._before: Mapping[int, Mapping[tuple[str, ...], str]] = {}

    def show(self, found: list[Told]) -> None:
        from ipcrt.cli.tree_text import lines_of, values_of

        now = {told.tree.number: values_of(told) for told in found}
        if self._as_json:
            _print(found, as_json=True)
        elif sys.stdout.isatty():
            lines = [
                line
                for each in found
                for line in lines_of(each, self._before.get(each.tree.number))
            ]
            typer.echo(_TO_TOP + "\n".join(lines))
        else:
            self._show_changes(found, now)
        sys.stdout.flush()
        self._before = now

    def _show_changes(
        self, found: list[Told], now: Mapping[int, Mapping[tuple[str, ...], str]]
    ) -> None:
        from ipcrt.cli.tree_text import safe

        for told in found:
            before = self._before.get(told.tree.number, {})
            for path, value in now[told.tree.number].items():
                if before.get(path) != value:
                    place = "/".join(map(safe, path))
                    typer.echo(f"{safe(told.tree.service)} {place} = {value}")
