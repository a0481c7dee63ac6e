"""Account: what a locator or a service tells of itself, for diagnostics to pull.

Whoever shows it is above or beside this room and comes as an object: see `Diagnostics`. Everything
here is counted when it is asked for, and bounded: of many clients, the busiest are told.
"""

from __future__ import annotations

import dataclasses
import heapq
import os
import resource
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.locator.kernel_queue import unread_by_peer, unread_by_us
from ipcrt.locator.protocol import Identity
from ipcrt.objects.vmo import Vmo

MAX_CLIENTS: Final = 64
"""Clients that an account tells one by one."""

TREE_NAME: Final = "inspect"
"""What the one tree of a service is called, where it has no reason for more."""


class Closable(Protocol):
    """Something that is shown until it is closed."""

    def close(self) -> None: ...


class Diagnostics(Protocol):
    """Shows what it pulls, in a VMO that others may read. An `Inspector` is one."""

    def lazy(self, name: str, pull: Callable[[], Mapping[str, object]], /) -> Closable:
        """Show what `pull()` answers under `name`, from now on."""
        ...

    def duplicate_vmo(self) -> Vmo:
        """Answer a handle for readers; the caller owns it."""
        ...


def clients_account(
    clients: Iterable[tuple[Identity, ServerBinding[Any]]], limits: Limits
) -> dict[str, object]:
    """Tell of the busiest clients, one by one, and of what each may claim."""
    told = [(_load(binding), who, binding) for who, binding in clients]
    busiest = heapq.nlargest(MAX_CLIENTS, told, key=lambda each: each[0])
    account: dict[str, object] = {"not_shown": len(told) - len(busiest)}
    account["limits"] = dataclasses.asdict(limits)
    for index, (_, who, binding) in enumerate(busiest):
        account[f"client-{index + 1}"] = {
            "pid": who.pid,
            "uid": who.uid,
            **binding.statistics(),
            **binding.traffic(),
            "unread_by_client": unread_by_peer(binding.channel),
            "unread_by_us": unread_by_us(binding.channel),
        }
    return account


def process_account() -> dict[str, int]:
    """Tell which process this is, and how many of its descriptors are open."""
    return {
        "pid": os.getpid(),
        "uid": os.geteuid(),
        "fds": _count_descriptors(),
        "fds_limit": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    }


def _count_descriptors() -> int:
    """Count what is open; from Linux 6.2 on the size tells, and nobody has to list thousands.

    Source: proc_pid_fd(5).
    """
    return os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd")) - 1


def _load(binding: ServerBinding[Any]) -> tuple[int, int]:
    statistics = binding.statistics()
    return statistics["backlog"] + statistics["calls_in_flight"], binding.traffic()["received"]
