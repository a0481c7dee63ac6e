"""Where the locator is found. A client imports this, so it imports next to nothing."""

from __future__ import annotations

import os


def default_path() -> str:
    """Where the locator listens: one for the machine, and one for each user who is logged in.

    Root has the machine's, whatever its session says, as does who has no runtime directory.
    Source: XDG Base Directory Specification (a relative XDG_RUNTIME_DIR is ignored).
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.geteuid() == 0 or not runtime.startswith("/"):
        runtime = "/run"
    return os.path.join(runtime, "ipcrt", "locator")
