"""The two slots that every handle keeps for its watch; nobody else writes to them."""

# ruff: noqa: SLF001
# pyright: reportPrivateUsage=false

from __future__ import annotations

from ipcrt.objects.handle import Handle, Watch


def watch_of(handle: Handle) -> Watch | None:
    """Answer who watches `handle`."""
    return handle._watch


def set_watch(handle: Handle, watch: Watch | None) -> None:
    """Have `watch` told before the descriptor leaves `handle`."""
    handle._watch = watch


def set_held_back(handle: Handle, held_back: bool) -> None:
    """Have the watch told of each read, or not any more."""
    handle._held_back = held_back
