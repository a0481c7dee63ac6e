"""ipcrt-locatord, put together: the locator's daemon, and the inspector that shows it.

The two rooms do not know each other; this is above both. Options: see `ipcrt.locator.daemon`.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

from ipcrt.inspect.inspector import Inspector
from ipcrt.locator.daemon import main as run_daemon
from ipcrt.port.aport import AsyncPort

REFRESH_S: Final = 1.0
"""How old what a hung or dead locator shows may be."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the daemon; answer its exit status."""
    return run_daemon(argv, _show)


@contextmanager
def _show(port: AsyncPort) -> Generator[Inspector, None, None]:
    with Inspector("ipcrt-locatord") as inspector:
        inspector.refresh_every(port, REFRESH_S)
        yield inspector


if __name__ == "__main__":
    sys.exit(main())
