from __future__ import annotations

import io
import os
import threading

import pytest

from ipcrt.errors import Canceled, TimedOut
from ipcrt.io.fd_source import FdFile, FdStream
from ipcrt.io.ways import ThreadWaits, run_now
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo
from tests.support.waiting import wait_until


def test_a_file_has_an_offset_of_its_own() -> None:
    vmo = Vmo.from_bytes(b"0123")
    with vmo.duplicate() as other:
        source = FdFile(vmo, ThreadWaits(), appending=False)
        assert vmo.closed
        room = memoryview(bytearray(2))
        assert run_now(source.read_into(room, None)) == 2
        os.lseek(other.fileno(), 4, os.SEEK_SET)
        assert run_now(source.read_into(room, None)) == 2
        assert bytes(room) == b"23"
        assert run_now(source.seek(-1, io.SEEK_CUR)) == 3
        assert run_now(source.can_seek())
        run_now(source.truncate(1))
        assert other.content_size == 1
        source.close()
        source.close()


def test_a_stream_waits_until_its_deadline_or_an_interrupt() -> None:
    near, far = os.pipe2(os.O_CLOEXEC)
    with Handle(far):
        source = FdStream(Handle(near), ThreadWaits())
        room = memoryview(bytearray(2))
        with pytest.raises(TimedOut):
            run_now(source.read_into(room, 0.01))
        caught: list[BaseException] = []

        def read() -> None:
            try:
                run_now(source.read_into(room, None))
            except Canceled as error:
                caught.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        wait_until(source.interrupt)
        thread.join()
        assert len(caught) == 1
        assert not source.interrupt()
        os.write(far, b"ab")
        assert run_now(source.read_into(room, None)) == 2
        source.close()
