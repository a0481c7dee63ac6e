"""ipcrt demo: the whole runtime at work, in processes of its own.

The demonstrations are programs of the services, which this package must not know: one is started in
place of this process. `monado` as the only path means the one of that name; a file that is called
so is given by its whole path.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from ipcrt.cli.complaint import Misused
from ipcrt.cli.options import JsonOption

PROGRAM: Final = "ipcrt_services.demo"
MONADO: Final = "monado"
MONADO_PROGRAM: Final = "ipcrt_services.monado.demo"


def demo(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Files whose lines are stored and read back. Default: the project's own texts. "
            "Or 'monado': clients that draw, and a compositor that shows it.",
        ),
    ] = None,
    *,
    clients: Annotated[
        int | None,
        typer.Option(
            "--clients",
            metavar="N",
            min=0,
            help="Also connect N clients at once, and measure. monado: how many draw; 3.",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", metavar="S", help="monado: how long they draw; 5."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="WxH", help="monado: of their images; 1920x1080."),
    ] = None,
    png: Annotated[
        Path | None,
        typer.Option(
            "--png",
            metavar="FILE",
            help="monado: write the last picture; with %d in its name, each one.",
        ),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option("--video", metavar="FILE", help="monado: write the pictures as a film."),
    ] = None,
    window: Annotated[
        bool, typer.Option("--window", help="monado: show the pictures on the display.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a locator, services and clients, and check them.

    Each is a process of its own: two services, and four clients on uvloop, trio and a plain thread.
    Exits with 0 only if every check held.
    """
    json = ["--json"] if as_json else []
    wishes: dict[str, object] = {
        "--seconds": seconds,
        "--size": size,
        "--png": png,
        "--video": video,
    }
    own = [str(part) for pair in wishes.items() if pair[1] is not None for part in pair]
    own += ["--window"] if window else []
    if paths == [Path(MONADO)]:
        _start(MONADO_PROGRAM, ["--clients", str(3 if clients is None else clients), *own, *json])
    if own:
        raise Misused(f"{own[0]} is for 'ipcrt demo {MONADO}'")
    _start(PROGRAM, ["--clients", str(clients or 0), *json, "--", *map(str, paths or ())])


def _start(program: str, arguments: list[str]) -> NoReturn:
    """Become that program."""
    import importlib.util

    if importlib.util.find_spec(program.partition(".")[0]) is None:
        raise Misused(f"the package {program} is not installed")
    # -P: a module in the working directory must not take the place of one of ours.
    os.execv(sys.executable, [sys.executable, "-P", "-m", program, *arguments])
