"""The frame loop with real processes: what crosses between them, and what a death leaves."""

from __future__ import annotations

import os
import re
import shutil
import signal
from pathlib import Path

import pytest

from ipcrt.objects.channel import Channel
from ipcrt_services.demo.measure import Descriptors
from ipcrt_services.monado.bindings import Pose, Vec3
from ipcrt_services.monado.client import Client, quad
from ipcrt_services.monado.geometry import UPRIGHT
from tests.services.conftest import Starter
from tests.services.monado.users import mirror_of, serving, show_colour, until_seen
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until

RED, GREEN = (255, 0, 0), (0, 255, 0)
STAGES = ("drawing", "waiting")


def test_whoever_is_killed_gives_everything_back(
    start: Starter, spawn_python: Spawner, tmp_path: Path
) -> None:
    with serving(start, tmp_path, 1 + len(STAGES)) as (child, [good, *victims]):
        ends = [victim.into_client_end().take_channel() for victim in victims]
        with mirror_of(good) as mirror, Client(good, "good") as client:
            client.begin()
            show_colour(client, RED)
            until_seen(mirror, RED)
            before = Descriptors.of(child.pid)
            starting = zip(STAGES, ends, strict=True)
            started = [start_victim(spawn_python, end, stage) for stage, end in starting]
            for victim in started:
                victim.send("go")
                assert victim.line() == "there"
                until_seen(mirror, GREEN)
                show_colour(client, RED, frames=3)
                victim.kill(signal.SIGKILL)
                until_seen(mirror, RED)
                assert client.monado.system_get_clients().ids[0] == 1
            wait_until(lambda: good.system_get_clients().ids == [1])
            wait_until(lambda: not Descriptors.of(child.pid).since(before))


def start_victim(spawn_python: Spawner, end: Channel, stage: str) -> Child:
    with end:
        return spawn_python.module(
            "tests.services.monado.victim", end.fileno(), stage, pass_fds=[end.fileno()]
        )


# ---- what is sent

MARK = bytes.fromhex("deadbeef")
"""The pixels that are drawn; nothing else that is sent looks like them."""

SENDS = "sendmsg,sendto,sendmmsg,write,writev,pwrite64,pwritev,splice,sendfile,process_vm_writev"
FRAMES = 20


@pytest.fixture
def strace(tmp_path: Path, spawn_python: Spawner) -> Tracer:
    if shutil.which("strace") is None:
        pytest.skip("strace is missing")
    return Tracer(tmp_path / "strace", spawn_python)


class Tracer:
    """What processes send, as strace saw it."""

    def __init__(self, path: Path, spawner: Spawner) -> None:
        self._path = path
        self._spawner = spawner

    def attach(self, *pids: int) -> Child:
        """Begin to watch; skips where that is not allowed."""
        command = ["strace", "-f", "-qq", "-xx", "-s", "70000", "-e", f"trace={SENDS}"]
        command += ["-o", str(self._path), *(f"-p{pid}" for pid in pids)]
        child = self._spawner.command(command, capture_stderr=True)

        def is_attached() -> bool:
            if child.process.poll() is not None:
                pytest.skip(f"strace cannot attach: {child.errors()}")
            return all(_is_traced(pid) for pid in pids)

        wait_until(is_attached)
        return child

    def calls(self) -> list[str]:
        return self._path.read_text().splitlines()


def _is_traced(pid: int) -> bool:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return all("TracerPid:\t0\n" not in (thread / "status").read_text() for thread in threads)


def test_no_pixel_is_sent(start: Starter, strace: Tracer, tmp_path: Path) -> None:
    ahead = Pose(UPRIGHT, Vec3(0.0, 0.0, -1.0))
    with (
        serving(start, tmp_path) as (child, [good]),
        mirror_of(good) as mirror,
        Client(good, "good") as client,
        client.create_swapchain(1920, 1080) as chain,
    ):
        client.begin()
        tracer = strace.attach(child.pid, os.getpid())
        try:
            for _ in range(FRAMES):
                with client.frame() as frame:
                    with chain.drawing() as image:
                        image.pixels[100:900] = tuple(MARK)
                    frame.show([quad(chain, image.index, ahead, (9.0, 9.0))])
            seen = mirror.version
            mirror.wait(seen, 10.0)
            read, write = os.pipe()
            os.write(write, MARK * 4)  # so that one knows what it would look like
            os.close(read)
            os.close(write)
        finally:
            tracer.kill(signal.SIGINT)
            tracer.wait()
    calls = strace.calls()
    marked = [call for call in calls if MARK.hex() in _payload(call)]
    assert len(marked) == 1
    assert marked[0].split()[1].startswith("write(")
    sent = sum(_count(call) for call in calls if " send" in call)
    print(f"{sent / FRAMES:.0f} bytes sent for a frame of {1920 * 1080 * 4}")
    assert 0 < sent / FRAMES < 4096


def _payload(call: str) -> str:
    return call.replace("\\x", "")


def _count(call: str) -> int:
    """How many bytes a call has sent; none where it failed."""
    found = re.search(r"= (\d+)$", call)
    return int(found[1]) if found else 0
