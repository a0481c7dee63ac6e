from __future__ import annotations

import errno
import os
import socket
import threading

import anyio
import pytest

from ipcrt.io.waits import (
    wait_hang_up,
    wait_hang_up_blocking,
    wait_readable,
    wait_readable_blocking,
    wait_writable,
    wait_writable_blocking,
)
from ipcrt.objects._fd import close_fd
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.interrupter import Interrupter
from tests.support.proc import open_fds
from tests.support.waiting import wait_until, wait_until_async

WAITS = (wait_readable, wait_writable, wait_hang_up)
BLOCKING = (wait_readable_blocking, wait_writable_blocking, wait_hang_up_blocking)


def _registered(port: AsyncPort) -> int:
    return port.statistics()["watched_handles"]


def _fill(end: socket.socket) -> None:
    end.setblocking(False)
    while True:
        try:
            end.send(bytes(4096))
        except BlockingIOError:
            return


def _empty(end: socket.socket) -> None:
    end.setblocking(False)
    while True:
        try:
            end.recv(65536)
        except BlockingIOError:
            return


@pytest.mark.anyio
async def test_each_wait_ends_when_its_news_come_and_leaves_nothing() -> None:
    near, far = socket.socketpair()
    with near, far:
        before = open_fds()
        async with open_port() as port:
            _fill(near)
            done: list[str] = []

            async def run(name: str, number: int) -> None:
                await WAITS[number](port, near if number else near.fileno())
                done.append(name)

            async with anyio.create_task_group() as tasks:
                for number, name in enumerate(("readable", "writable", "hang-up")):
                    tasks.start_soon(run, name, number)
                await wait_until_async(lambda: _registered(port) == 3)
                far.send(b"x")
                await wait_until_async(lambda: done == ["readable"])
                _empty(far)
                await wait_until_async(lambda: len(done) == 2)
                far.close()
            assert done == ["readable", "writable", "hang-up"]
            assert near.recv(1) == b"x"
            await wait_readable(port, near)  # the end
            await wait_writable(port, near)  # nobody to read
            assert not _registered(port)
        assert len(open_fds()) < len(before)


@pytest.mark.anyio
async def test_a_wait_that_ends_early_leaves_no_registration() -> None:
    near, far = os.pipe2(os.O_CLOEXEC)
    async with open_port() as port:
        with pytest.raises(TimeoutError) as caught:
            await wait_readable(port, near, 0.01)
        assert caught.value.errno == errno.ETIMEDOUT
        async with anyio.create_task_group() as tasks:
            for wait in WAITS[::2]:
                tasks.start_soon(wait, port, near)
            await wait_until_async(lambda: _registered(port) == 2)
            tasks.cancel_scope.cancel()
        assert not _registered(port)
        os.close(near)
        again, other = os.pipe2(os.O_CLOEXEC)  # the numbers' next owners are served
        os.write(other, b"x")
        await wait_readable(port, again, 5)
        for fd in (again, other, far):
            close_fd(fd)


@pytest.mark.anyio
async def test_a_descriptor_may_be_closed_and_its_number_taken_while_it_is_waited_for() -> None:
    near, far = os.pipe2(os.O_CLOEXEC)
    async with open_port() as port:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait_readable, port, near)
            await wait_until_async(lambda: _registered(port) == 1)
            os.close(near)
            again, other = os.pipe2(os.O_CLOEXEC)
            assert near in (again, other)
            os.write(other, b"for another")
            await anyio.sleep(0.01)
            assert _registered(port) == 1
            close_fd(again)
            close_fd(other)
            os.write(far, b"x")
        assert not _registered(port)
        close_fd(far)


@pytest.mark.anyio
async def test_what_cannot_be_waited_for_says_so() -> None:
    async with open_port() as port:
        with Vmo.create(1) as vmo:
            with pytest.raises(OSError, match="not supported"):
                await wait_readable(port, vmo)
            with pytest.raises(OSError, match="not supported"):
                wait_readable_blocking(vmo, 0)
        with pytest.raises(OSError, match="Bad file") as caught:
            await wait_readable(port, 1 << 20)
        assert caught.value.errno == errno.EBADF


def test_plain_threads_wait_too() -> None:
    near, far = socket.socketpair()
    with near, far:
        for wait in BLOCKING[::2]:
            with pytest.raises(TimeoutError):
                wait(near, 0.01)
        wait_writable_blocking(near)
        far.send(b"x")
        wait_readable_blocking(near.fileno())
        far.close()
        wait_hang_up_blocking(near)


def test_a_wait_in_a_thread_is_interrupted() -> None:
    near, far = os.pipe2(os.O_CLOEXEC)
    caught: list[OSError] = []
    with Interrupter() as interrupter:

        def wait() -> None:
            try:
                wait_readable_blocking(near, None, interrupter)
            except OSError as error:
                caught.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        wait_until(interrupter.interrupt)
        thread.join()
    assert [error.errno for error in caught] == [errno.ECANCELED]
    close_fd(near)
    close_fd(far)
