"""ipcrt demo: the whole runtime at work, in processes of its own.

The demonstration is a program of the services, which this package must not know: it is started as
one, in place of this process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from ipcrt.cli.complaint import Misused
from ipcrt.cli.options import JsonOption

PROGRAM: Final = "ipcrt_services.demo"


def demo(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Files whose lines are stored and read back. Default: the project's own texts.",
        ),
    ] = None,
    clients: Annotated[
        int,
        typer.Option(
            "--clients", metavar="N", min=0, help="Also connect N clients at once, and measure."
        ),
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Run a locator, services and clients, and check them.

    Each is a process of its own: two services, and four clients on uvloop, trio and a plain thread.
    Exits with 0 only if every check held.
    """
    import importlib.util

    if importlib.util.find_spec(PROGRAM.partition(".")[0]) is None:
        raise Misused(f"the package {PROGRAM} is not installed")
    arguments = ["--clients", str(clients), *(["--json"] if as_json else [])]
    arguments += ["--", *map(str, paths or ())]
    # -P: a module in the working directory must not take the place of one of ours.
    os.execv(sys.executable, [sys.executable, "-P", "-m", PROGRAM, *arguments])
