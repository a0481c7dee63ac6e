from __future__ import annotations

import os

import pytest

from ipcrt.errors import AccessDenied
from ipcrt.io import fd_bytes
from ipcrt.io.modes import Mode
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import BASIC, Rights
from ipcrt.objects.socket import Socket
from ipcrt.objects.vmo import Vmo

READ = Mode.parse("rb")
BOTH = Mode.parse("r+b")


def test_a_handle_is_opened_as_its_rights_and_its_descriptor_allow() -> None:
    with Vmo.from_bytes(b"x") as vmo:
        fd_bytes.check_handle(vmo, BOTH)
        with vmo.duplicate(BASIC | Rights.READ) as reader:
            fd_bytes.check_handle(reader, READ)
            with pytest.raises(AccessDenied):
                fd_bytes.check_handle(reader, BOTH)
            with Handle(reader.take()) as plain, pytest.raises(PermissionError):
                fd_bytes.check_handle(plain, BOTH)
    near, far = Channel.create()
    with near, far, pytest.raises(OSError, match="channel"):
        fd_bytes.check_handle(near, BOTH)


def test_files_have_offsets_and_streams_none() -> None:
    near, far = Socket.create()
    with near, far, Vmo.create(1) as vmo, Handle(os.open("/dev/null", os.O_RDONLY)) as null:
        assert fd_bytes.has_offsets(vmo.fileno())
        assert not fd_bytes.has_offsets(near.fileno())
        assert not fd_bytes.has_offsets(null.fileno())


def test_a_stream_is_never_waited_for_though_it_blocks() -> None:
    near, far = Socket.create()
    end, other = (Handle(fd) for fd in os.pipe2(os.O_CLOEXEC))
    with near, far, end, other:
        for read, write in ((near, far), (end, other)):
            os.set_blocking(read.fileno(), True)
            os.set_blocking(write.fileno(), True)
            room = memoryview(bytearray(8))
            with pytest.raises(BlockingIOError):
                fd_bytes.receive_into(read.fileno(), room)
            assert fd_bytes.send(write.fileno(), memoryview(b"abc")) == 3
            assert fd_bytes.receive_into(read.fileno(), room) == 3
            assert bytes(room[:3]) == b"abc"
            with pytest.raises(BlockingIOError):
                _fill(write.fileno())
        near.close()
        end.close()
        for left in (far, other):
            with pytest.raises(BrokenPipeError):
                fd_bytes.send(left.fileno(), memoryview(b"x"))


def _fill(fd: int) -> None:
    while True:
        fd_bytes.send(fd, memoryview(bytes(4096)))


def test_appending_ignores_the_offset() -> None:
    with Vmo.from_bytes(b"ab") as vmo:
        assert fd_bytes.append(memoryview(b"c"), vmo.fileno(), 0) == 1
        assert fd_bytes.write_at(0, memoryview(b"A"), vmo.fileno(), 0) == 1
        room = memoryview(bytearray(4))
        assert fd_bytes.read_at(0, room, vmo.fileno(), 0) == 3
        assert bytes(room[:3]) == b"Abc"
        assert fd_bytes.size(vmo.fileno()) == 3
