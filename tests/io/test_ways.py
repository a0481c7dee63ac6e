from __future__ import annotations

import errno
import os
import threading

import anyio
import pytest

from ipcrt.errors import NotSupported
from ipcrt.io.ways import LoopWaits, ThreadWaits, run_now
from ipcrt.objects._fd import close_fd
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import open_port
from tests.support.proc import open_fds
from tests.support.waiting import wait_until_async


def test_a_coroutine_that_waits_plainly_runs_in_one_step() -> None:
    async def answer() -> int:
        return 7

    assert run_now(answer()) == 7
    with pytest.raises(NotSupported):
        run_now(_yields())


async def _yields() -> None:
    class Bare:
        def __await__(self):  # type: ignore[no-untyped-def]
            yield

    await Bare()


def _where(fd: int, flags: int) -> tuple[int, threading.Thread]:
    if flags:
        raise BlockingIOError(errno.EAGAIN, "not now")
    return fd, threading.current_thread()


@pytest.mark.anyio
async def test_memory_is_used_here_and_a_disk_beside_the_loop() -> None:
    async with open_port() as port:
        waits = LoopWaits(port)
        with Vmo.create(1) as vmo:
            fd, thread = await waits.on_disk(vmo.fileno(), _where)
            assert (fd, thread) == (vmo.fileno(), threading.current_thread())
        disk = os.open("/", os.O_RDONLY | os.O_CLOEXEC)
        fd, thread = await waits.on_disk(disk, _where)
        assert fd != disk
        assert thread is not threading.current_thread()
        close_fd(disk)


@pytest.mark.anyio
async def test_a_thread_whose_task_was_cancelled_has_a_descriptor_of_its_own() -> None:
    before = open_fds()
    disk = os.open("/", os.O_RDONLY | os.O_CLOEXEC)
    began, may_end = threading.Event(), threading.Event()
    seen: list[int] = []

    def job(fd: int, flags: int) -> None:
        if flags:
            raise BlockingIOError(errno.EAGAIN, "not now")
        began.set()
        may_end.wait(10)
        seen.append(os.fstat(fd).st_ino)

    async with open_port() as port:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(LoopWaits(port).on_disk, disk, job)
            await wait_until_async(began.is_set)
            tasks.cancel_scope.cancel()
            close_fd(disk)
            may_end.set()
        await wait_until_async(lambda: seen)
    await wait_until_async(lambda: open_fds() == before)


def test_a_plain_thread_does_it_here() -> None:
    waits = ThreadWaits()
    assert run_now(waits.on_disk(3, _where)) == (3, threading.current_thread())
    assert not waits.interrupt()
    waits.close()
