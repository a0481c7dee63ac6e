"""The demonstration: `python -m ipcrt_services.demo [PATH]...`, best started as `ipcrt demo`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run it; answer the exit status. Ctrl-C is no traceback, not even while things load."""
    try:
        from ipcrt_services.demo.command import main as run
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
