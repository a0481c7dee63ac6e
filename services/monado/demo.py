"""The demonstration's command line: `python -m ipcrt_services.monado.demo`, or `ipcrt demo monado`.

Exit status: 0 if every client drew and nothing leaked, 1 if not, 2 for what cannot be done, 130
after Ctrl-C, 143 after SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from ipcrt.cli.complaint import TRACEBACK_VARIABLE, complaint
from ipcrt.errors import InvalidArgs, NotSupported, Unavailable
from ipcrt_services.demo.material import CheckFailed
from ipcrt_services.demo.view import View, show, view_for

if TYPE_CHECKING:
    from ipcrt_services.monado.conductor import Outcome

_SIZE: Final = (1920, 1080)
_MOST_CLIENTS: Final = 16


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demonstration; answer the exit status."""
    options = _parser().parse_args(argv)
    if find_spec("numpy") is None:
        return _fail("the compositor needs NumPy: pip install 'ipcrt[monado]'", 1)
    if not 1 <= options.clients <= _MOST_CLIENTS:
        return _fail(f"{options.clients} clients are not from 1 to {_MOST_CLIENTS}", 2)
    if not 0 < options.seconds <= 3600:
        return _fail(f"{options.seconds:g} seconds are not from 0 to 3600", 2)
    return _run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ipcrt demo monado")
    parser.add_argument("--clients", type=int, default=3, metavar="N")
    parser.add_argument("--seconds", type=float, default=5.0, metavar="S")
    parser.add_argument("--size", type=_size, default=_SIZE, metavar="WxH")
    parser.add_argument("--png", type=Path, metavar="FILE")
    parser.add_argument("--video", type=Path, metavar="FILE")
    parser.add_argument("--window", action="store_true")
    parser.add_argument("--json", action="store_true", dest="as_json")
    return parser


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 1920x1080")
    size = int(width), int(height)
    if min(size) < 64 or max(size) > 4096:
        raise argparse.ArgumentTypeError(f"{text} is not from 64x64 to 4096x4096")
    return size


def _run(options: argparse.Namespace) -> int:
    try:
        with view_for(as_json=options.as_json) as view:
            outcome = asyncio.run(_until_terminated(options, view))
    except KeyboardInterrupt:
        return 130
    except asyncio.CancelledError:
        return 143
    except (InvalidArgs, NotSupported, Unavailable, OSError) as error:
        return _fail(complaint(error), 2)
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        return _fail(str(error) if isinstance(error, CheckFailed) else complaint(error), 1)
    if options.as_json:
        show(json.dumps({"ok": not outcome.leaked, **msgspec.to_builtins(outcome)}))
    else:
        for line in summary(outcome):
            show(line)
    return _fail("; ".join(outcome.leaked), 1) if outcome.leaked else 0


async def _until_terminated(options: argparse.Namespace, view: View) -> Outcome:
    """Let SIGTERM end it as Ctrl-C does: with everything cleaned up."""
    from ipcrt_services.monado.conductor import Wish, conduct
    from ipcrt_services.monado.pictures import PngFile, Taker, VideoFile, Window

    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with ExitStack() as stack:
        takers: list[Taker] = []
        if options.png is not None:
            takers.append(stack.enter_context(PngFile(options.png)))
        if options.video is not None:
            takers.append(stack.enter_context(VideoFile(options.video)))
        if options.window:
            takers.append(stack.enter_context(Window()))
        wish = Wish(options.clients, options.seconds, *options.size)
        return await conduct(wish, takers, view)


def summary(outcome: Outcome) -> Iterator[str]:
    """Answer the lines of the summary."""
    yield ""
    yield f"{'client':<8}{'frames':>8}{'a second':>10}{'missed':>8}{'poses/s':>9}{'CPU':>7}   fds"
    for each in outcome.clients:
        yield (
            f"{each.name:<8}{each.frames:>8}{each.frames / each.seconds:>10.1f}{each.missed:>8}"
            f"{each.poses / each.seconds:>9.0f}{each.cpu_seconds / each.seconds:>7.0%}"
            f"   {each.fds_before} -> {each.fds_after}"
        )
    yield (
        f"{'service':<8}{outcome.composed:>8}{outcome.composed / outcome.seconds:>10.1f}{'':>8}"
        f"{outcome.published_poses / outcome.seconds:>9.0f}"
        f"{outcome.service_cpu_seconds / outcome.seconds:>7.0%}"
        f"   {outcome.service_fds_before} -> {outcome.service_fds_after}"
    )


def _fail(reason: str, status: int) -> int:
    sys.stderr.write(f"ipcrt demo: {reason}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
