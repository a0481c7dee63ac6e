"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def complete_name(incomplete: str) -> list[str]:
    """Answer the names of protocols that begin so, for the shell's completion."""
    from ipcrt.cli.protocols import known_names

    return [name for name in known_names() if name.startswith(incomplete)]


NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="What to open, library/Protocol.", autocompletion=complete_name
    ),
]

ProtocolOption = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        metavar="NAME",
        help="What is spoken there, where it is not called NAME.",
        autocompletion=complete_name,
    ),
]

SocketOption = Annotated[
    Path | None,
    typer.Option(
        "--socket",
        metavar="PATH",
        help="The locator's socket. Default: $IPCRT_LOCATOR, else $XDG_RUNTIME_DIR/ipcrt/locator "
        "or, for root, /run/ipcrt/locator.",
    ),
]

JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]

TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Give up after so long.")
]
