from __future__ import annotations

import errno
import gc
import os
import signal
import threading
import warnings
from collections.abc import Iterator

import pytest

from ipcrt.io.opening import file_of, open_raw
from ipcrt.io.opening import open as open_file
from ipcrt.io.raw import ResourceFile
from ipcrt.objects.socket import Socket
from ipcrt.objects.vmo import Vmo
from ipcrt.resources.blocking_control import BlockingResourceClient
from tests.io.world import blocking_client, serving
from tests.support.proc import open_fds
from tests.support.waiting import wait_until


@pytest.fixture
def client() -> Iterator[BlockingResourceClient]:
    with serving("asyncio", {}) as listen, blocking_client(listen) as client:
        yield client


def test_ctrl_c_ends_a_read_and_the_file_goes_on(client: BlockingResourceClient) -> None:
    main = threading.get_ident()
    with open_file(client, "silent:", "r+b") as file:
        for _ in range(3):
            timer = threading.Timer(0.02, signal.pthread_kill, (main, signal.SIGINT))
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                file.read(1)
            timer.join()
        file.write(b"speak")
        file.flush()
        assert file.read(5) == b"spoke"


def test_ctrl_c_ends_a_write_and_nothing_is_written_twice(client: BlockingResourceClient) -> None:
    main = threading.get_ident()
    near, far = Socket.create()
    with file_of(near, "wb", 4096) as file, file_of(far) as other:
        timer = threading.Timer(0.02, signal.pthread_kill, (main, signal.SIGINT))
        timer.start()
        written = 0

        def write_on() -> None:
            nonlocal written
            while True:
                file.write(b"%07d\n" % written)
                written += 1

        with pytest.raises(KeyboardInterrupt):
            write_on()
        timer.join()
        reader = threading.Thread(target=lambda: lines.extend(other))
        lines: list[bytes] = []
        reader.start()
        file.close()
        reader.join()
    assert lines[:written] == [b"%07d\n" % number for number in range(written)]
    assert len(lines) <= written + 1


def test_another_thread_interrupts(client: BlockingResourceClient) -> None:
    with open_raw(client, "stalls:", "r+b") as raw, open_raw(client, "fifo:") as pipe:
        assert not raw.interrupt()
        for each in (raw, pipe):
            thread = threading.Thread(target=lambda: wait_until(each.interrupt))  # noqa: B023
            thread.start()
            with pytest.raises(OSError, match="cancel") as caught:
                each.read(1)
            thread.join()
            assert caught.value.errno == errno.ECANCELED
        client.invoke(None, "say", b"")


@pytest.mark.parametrize("times", [10, pytest.param(1000, marks=pytest.mark.slow)])
def test_reads_that_are_interrupted_again_and_again_leave_nothing(
    client: BlockingResourceClient, times: int
) -> None:
    main = threading.get_ident()
    sleeps = Semaphores()
    with open_raw(client, "stalls:", "r+b") as raw, open_raw(client, "fifo:") as pipe:
        thread = threading.Thread(target=sleeps.interrupt_all, args=(main, raw, pipe, times))
        thread.start()
        before = len(open_fds())
        for each in (raw, pipe):
            for _ in range(times):
                for kind in (OSError, KeyboardInterrupt):
                    sleeps.next.release()
                    with pytest.raises(kind):
                        each.read(1)
                    sleeps.ended.release()
        assert len(open_fds()) <= before + 1  # what interrupts a pipe is made when it is needed
        thread.join()
        client.invoke(None, "say", b"x")
        assert pipe.read(2) == b"x"


class Semaphores:
    """Takes turns with a thread that reads: interrupts it, then sends it a signal."""

    def __init__(self) -> None:
        self.next = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)

    def interrupt_all(self, reader: int, raw: ResourceFile, pipe: ResourceFile, times: int) -> None:
        for each in (raw, pipe):
            for _ in range(times):
                self.next.acquire()
                wait_until(each.interrupt)
                self.ended.acquire()
                self.next.acquire()
                wait_until(_asleep)
                signal.pthread_kill(reader, signal.SIGINT)
                self.ended.acquire()


def _asleep() -> bool:
    """True while the main thread sleeps: a signal any earlier may come before its system call."""
    with open(f"/proc/self/task/{os.getpid()}/stat", encoding="ascii") as status:
        return status.read().rpartition(")")[2].split()[0] == "S"


def test_a_forgotten_file_warns_and_does_not_wait(client: BlockingResourceClient) -> None:
    for mode in ("rb", "wb", "w"):
        for buffering in (-1, 0) if "b" in mode else (-1,):
            file = open_file(client, "stalls:", mode, buffering)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                del file
                gc.collect()
            assert [warning.category for warning in caught] == [ResourceWarning]


def test_what_a_mode_does_not_allow_is_unsupported() -> None:
    with file_of(Vmo.from_bytes(b"abc"), "rb", 0) as raw:
        assert raw.readable()
        assert not raw.writable()
        assert not raw.isatty()
        with pytest.raises(OSError, match="writing"):
            raw.write(b"x")
        with pytest.raises(OSError, match="writing"):
            raw.truncate(1)
        assert raw.readinto(bytearray()) == 0  # type: ignore[attr-defined]
        assert repr(raw).startswith("<ResourceFile ")
        assert raw.mode == "rb"
    with file_of(Vmo.from_bytes(b""), "wb", 0) as raw:
        assert raw.write(b"") == 0
        with pytest.raises(OSError, match="reading"):
            raw.read(1)
    with pytest.raises(ValueError, match="closed"):
        raw.write(b"x")
