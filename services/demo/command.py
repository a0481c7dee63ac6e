"""The demonstration's command line: files in, an exit status out.

Exit status: 0 if every check held, 1 if one did not, 2 for what cannot be done, 130 after
Ctrl-C, 143 after SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ipcrt.cli.complaint import TRACEBACK_VARIABLE, complaint
from ipcrt_services.demo.conductor import Wish, conduct
from ipcrt_services.demo.material import CheckFailed, Unsuitable, choose, default_paths
from ipcrt_services.demo.results import Results
from ipcrt_services.demo.summary import summary
from ipcrt_services.demo.view import View, show, view_for


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demonstration; answer the exit status."""
    parser = argparse.ArgumentParser(prog="ipcrt demo")
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    parser.add_argument("--clients", type=int, default=0, metavar="N")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args(argv)
    missing = [name for name in ("uvloop", "trio") if find_spec(name) is None]
    if missing:
        return _fail("the demo needs uvloop and trio: pip install 'ipcrt[uvloop,trio]'", 1)
    try:
        directory, files = choose(options.paths or default_paths())
    except Unsuitable as error:
        return _fail(str(error), 2)
    return _run(Wish(directory, files, options.clients), as_json=options.as_json)


def _run(wish: Wish, *, as_json: bool) -> int:
    try:
        with view_for(as_json=as_json) as view:
            results = asyncio.run(_until_terminated(wish, view))
    except KeyboardInterrupt:
        return 130
    except asyncio.CancelledError:
        return 143
    except Unsuitable as error:
        return _fail(str(error), 2)
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        reason = str(error) if isinstance(error, CheckFailed) else complaint(error)
        if as_json:
            show(json.dumps({"ok": False, "reason": reason}))
        return _fail(reason, 1)
    return _tell(results, as_json=as_json)


async def _until_terminated(wish: Wish, view: View) -> Results:
    """Let SIGTERM end it as Ctrl-C does: with everything cleaned up."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await conduct(wish, view)


def _tell(results: Results, *, as_json: bool) -> int:
    """Print the results; answer the exit status that they mean."""
    leaks = results.leaks
    if as_json:
        shown = results.to_json() | ({"ok": False, "reason": leaks[0]} if leaks else {})
        show(json.dumps(shown))
    else:
        for line in summary(results):
            show(line)
    if leaks:
        return _fail("; ".join(leaks), 1)
    if not as_json:
        show(f"\nevery check held, in {results.seconds:.1f} s")
    return 0


def _fail(reason: str, status: int) -> int:
    sys.stderr.write(f"ipcrt demo: {reason}\n")
    return status
