"""Start the locator on its first connection: by systemd's tool where it is, else by our own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ipcrt.errors import NoResources, Unavailable
from ipcrt.locator.connect import connect
from ipcrt.port.aport import AsyncPort
from ipcrt_services.demo.household import Household, Member
from ipcrt_services.demo.material import CheckFailed
from ipcrt_services.demo.measure import children

_DAEMON: Final = [sys.executable, "-P", "-m", "ipcrt.locator.daemon"]
_SYSTEMD_TOOL: Final = "systemd-socket-activate"
_KEPT_VARIABLES: Final = ("PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_STEP_S: Final = 0.01
_STEPS: Final = 1000


@dataclass(frozen=True, slots=True)
class Activated:
    """The locator, and who started it."""

    member: Member
    path: Path
    by: str


def systemd_tool() -> str | None:
    """Answer where systemd-socket-activate is, if it is and knows SOCK_SEQPACKET."""
    found = shutil.which(_SYSTEMD_TOOL)
    if found is None:
        return None
    told = subprocess.run([found, "--help"], check=False, capture_output=True, text=True)
    return found if "--seqpacket" in told.stdout else None


def listen(household: Household, path: Path) -> Activated:
    """Have somebody listen at `path` who starts the daemon when a client connects."""
    tool = systemd_tool()
    if tool is None:
        by = "ipcrt activate"
        command = [sys.executable, "-P", "-m", "ipcrt.cli.main", "activate"]
        command += ["--socket", str(path), "--", *_DAEMON]
    else:
        by = _SYSTEMD_TOOL
        kept = [f"--setenv={name}" for name in _KEPT_VARIABLES if name in os.environ]
        command = [tool, "--seqpacket", f"--listen={path}", "--fdname=locator", *kept]
        command += ["--", *_DAEMON]
    return Activated(household.start("locator", command), path, by)


async def first_connection(activated: Activated, port: AsyncPort) -> None:
    """Connect as the first client, and see that this, and nothing before, started the daemon.

    Raises: CheckFailed.
    """
    member = activated.member
    await _until_bound(activated.path, port)
    if _daemon_of(member) is not None:
        raise CheckFailed("the locator ran before anybody had connected")
    await _ask(activated.path, port)
    pid = _daemon_of(member)
    if pid is None:
        raise CheckFailed(f"{activated.by} started no locator on the first connection")
    member.pid = pid


async def _until_bound(path: Path, port: AsyncPort) -> None:
    """Wait for the path without connecting: that would be the first connection."""
    for _ in range(_STEPS):
        if path.is_socket():  # noqa: ASYNC240  (it does not block: the directory is ours)
            return
        await port.sleep(_STEP_S)
    raise CheckFailed(f"nobody listens at {path}")


async def _ask(path: Path, port: AsyncPort) -> None:
    """Make a first call; between bind(2) and listen(2) a path still refuses."""
    for _ in range(_STEPS):
        try:
            async with connect(path, port=port) as locator:
                identity = (await locator.proxy.get_identity()).identity
                break
        except Unavailable:
            await port.sleep(_STEP_S)
    else:
        raise CheckFailed(f"nobody listens at {path}")
    if (identity.pid, identity.uid) != (os.getpid(), os.geteuid()):
        raise CheckFailed(f"the locator takes us for {identity}")


def _daemon_of(member: Member) -> int | None:
    """Answer the daemon's pid: systemd's tool turns into the daemon, ours has it as its child."""
    for pid in (member.popen.pid, *children(member.popen.pid)):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if command[: len(_DAEMON)] == [part.encode() for part in _DAEMON]:
            return pid
    return None


async def until_offered(names: set[str], path: Path, port: AsyncPort) -> None:
    """Wait until a locator serves and all `names` are on offer.

    Raises: CheckFailed: they do not come.
    """
    for _ in range(_STEPS):
        try:
            async with connect(path, port=port) as locator:
                if names <= set(await locator.names()):
                    return
        except (Unavailable, NoResources):  # not there yet, or our last connection still is
            pass
        await port.sleep(_STEP_S)
    raise CheckFailed(f"nobody offers {', '.join(sorted(names))} at {path}")
