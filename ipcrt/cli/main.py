"""ipcrt: look at a locator, call what it offers, and start it on demand.

Nothing is loaded before `main` runs, so that Ctrl-C never shows a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; answer its exit status: 0 done, 1 failed, 2 misused, 130 interrupted.

    An error is one line on stderr, never a traceback.
    """
    try:
        return _run(argv)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # nobody reads any more: that is no news to them
        _drop_stdout()
        return 1
    except MemoryError:  # a limit of the machine's or the user's; so little is left to say it with
        os.write(sys.stderr.fileno(), b"ipcrt: out of memory\n")
        return 1
    except Exception as error:
        from ipcrt.cli.complaint import TRACEBACK_VARIABLE, complaint, exit_status

        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        sys.stderr.write(f"ipcrt: {complaint(error)}\n")
        return exit_status(error)


def _run(argv: Sequence[str] | None) -> int:
    from ipcrt.cli.app import app

    status = app(args=argv, prog_name="ipcrt", standalone_mode=False)
    if sys.stdout is not None:  # as it is where it was closed from the beginning
        sys.stdout.flush()
    return status if isinstance(status, int) else 0


def _drop_stdout() -> None:
    """Let the interpreter's own flush at exit go nowhere, instead of failing once more."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
