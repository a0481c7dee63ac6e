from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipcrt.objects import _syscalls
from ipcrt.objects.handle import Handle
from tests.support.waiting import wait_until

RESOLVE_BENEATH = 0x08


def test_a_timer_is_made_and_set() -> None:
    with Handle(_syscalls.timerfd_create()) as timer:
        fd = timer.fileno()
        assert not os.get_inheritable(fd)
        assert not _syscalls.is_readable(fd)
        _syscalls.timerfd_settime(fd, 1)
        wait_until(lambda: _syscalls.is_readable(fd))
        _syscalls.timerfd_settime(fd, 0)
        assert not _syscalls.is_readable(fd)


def test_openat2_opens_beneath(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    with Handle(os.open(tmp_path, os.O_PATH)) as directory:
        try:
            fd = _syscalls.openat2(directory.fileno(), b"file", os.O_CLOEXEC, RESOLVE_BENEATH)
        except OSError as error:
            if error.errno in (errno.ENOSYS, errno.EPERM):
                pytest.skip(f"no openat2 here: {error}")
            raise
        with Handle(fd):
            assert os.read(fd, 10) == b"hello"
            assert not os.get_inheritable(fd)
        with pytest.raises(OSError, match=os.strerror(errno.EXDEV)):
            _syscalls.openat2(directory.fileno(), b"../x", os.O_CLOEXEC, RESOLVE_BENEATH)


def test_readable_is_what_poll_says() -> None:
    reader, writer = os.pipe()
    with Handle(reader), Handle(writer):
        assert not _syscalls.is_readable(reader)
        os.write(writer, b"x")
        assert _syscalls.is_readable(reader)
        assert not _syscalls.is_readable(writer)


def test_a_failure_is_an_oserror_with_its_errno() -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        _syscalls.timerfd_settime(1 << 20, 1)
    with pytest.raises(FileNotFoundError):
        _syscalls.openat2(0, b"/does/not/exist", os.O_CLOEXEC, 0)


def test_ctypes_is_loaded_only_when_it_is_needed() -> None:
    source = "import sys; import ipcrt.objects._syscalls; sys.exit('ctypes' in sys.modules)"
    subprocess.run([sys.executable, "-c", source], check=True)
