"""Options that the verbs of resources share. Loaded by `ipcrt --help`, so it loads nothing."""

from __future__ import annotations

from typing import Annotated, Final

import typer

COMPLETION_S: Final = 1.0
"""Seconds that a person who pressed Tab may be made to wait."""


def complete_uri(incomplete: str) -> list[str]:
    """Answer the beginnings of URIs that somebody serves, for the shell's completion."""
    from ipcrt.errors import IpcError
    from ipcrt.locator.connect import connect_blocking

    try:
        with connect_blocking(timeout=COMPLETION_S) as locator:
            names = locator.names()
    except IpcError:
        return []
    schemes = [scheme for scheme in map(scheme_behind, names) if scheme is not None]
    return [f"{each}://" for each in schemes if f"{each}://".startswith(incomplete)]


def scheme_behind(name: str) -> str | None:
    """Answer the scheme that a name at the locator serves; None: it is no such name."""
    from ipcrt.errors import InvalidArgs
    from ipcrt.locator.resources import name_of

    words = name.partition("/")[2]
    scheme = "".join(f"-{each.lower()}" if each.isupper() else each for each in words)[1:]
    try:
        return scheme if name_of(scheme) == name else None
    except InvalidArgs:
        return None


UriArgument = Annotated[
    str,
    typer.Argument(metavar="URI", help="Such as file:///etc/motd.", autocompletion=complete_uri),
]

AppendOption = Annotated[
    bool, typer.Option("--append", help="Write behind what is there, instead of over it.")
]
