"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
