from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcrt.errors import (
    AccessDenied,
    InvalidArgs,
    IpcError,
    NotFound,
    ShouldWait,
    Status,
    WrongType,
)
from ipcrt.objects import _syscalls, openat
from ipcrt.objects.handle import Handle
from ipcrt.objects.openat import open_beneath
from ipcrt.objects.rights import IO, Rights
from tests.support.proc import open_fds
from tests.support.processes import Spawner

SECRET = "secret"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with a bit of everything, and a secret beside it."""
    (tmp_path / SECRET).write_text("outside")
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    (root / "file").write_text("hello")
    (root / "inner" / "file").write_text("inner")
    (root / "..file").write_text("dots")
    links = {
        "link to file": "file",
        "link to inner": "inner",
        "link up": "..",
        "link out": f"../{SECRET}",
        "link absolute": str(tmp_path / SECRET),
        "link to root": "/",
        "link to proc": "/proc/self/root",
        "link to itself": "link to itself",
        "link to nothing": "nothing",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as sock, Handle(os.open(root, os.O_PATH)) as here:
        sock.bind(f"/proc/self/fd/{here.fileno()}/socket")
    return root


@pytest.fixture(params=["openat2", "ENOSYS", "EPERM"])
def directory(
    request: pytest.FixtureRequest, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """The tree, on a kernel with openat2, on one without, and in a sandbox that denies it."""
    if request.param == "openat2":
        with Handle(os.open(tree, os.O_PATH)) as root:
            try:
                os.close(_syscalls.openat2(root.fileno(), b".", os.O_CLOEXEC, 0))
            except OSError as error:
                pytest.skip(f"no openat2 here: {error}")
    else:
        number = getattr(errno, request.param)

        def denied(*_: object) -> int:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(_syscalls, "openat2", denied)
    with Handle(os.open(tree, os.O_PATH)) as root:
        yield root.fileno()


@pytest.mark.parametrize(
    "path,text",
    [
        ("file", "hello"),
        ("./file", "hello"),
        ("inner/file", "inner"),
        ("inner//./file", "inner"),
        ("file/", "hello"),
        ("..file", "dots"),
    ],
)
def test_files_beneath_are_opened(directory: int, path: str, text: str) -> None:
    with open_beneath(directory, path) as file:
        assert os.read(file.fileno(), 100).decode() == text
        assert not os.get_inheritable(file.fileno())
        assert os.get_blocking(file.fileno())


@pytest.mark.parametrize("path", [".", "./", "inner", "inner/."])
def test_directories_beneath_are_opened(directory: int, path: str) -> None:
    for flags in (os.O_RDONLY, os.O_RDONLY | os.O_DIRECTORY):
        with open_beneath(directory, path, flags) as found:
            assert stat.S_ISDIR(os.fstat(found.fileno()).st_mode)


@pytest.mark.parametrize(
    "path",
    [
        "..",
        f"../{SECRET}",
        "inner/..",
        f"inner/../../{SECRET}",
        "inner/../file",
        "/",
        "/etc/passwd",
        "//etc/passwd",
    ],
)
def test_a_path_that_may_leave_is_refused(directory: int, path: str) -> None:
    with pytest.raises(AccessDenied, match="may leave its directory"):
        open_beneath(directory, path)


@pytest.mark.parametrize(
    "path",
    [
        "link to file",
        "link to inner",
        "link to inner/file",
        "link up",
        f"link up/{SECRET}",
        "link out",
        "link absolute",
        "link to root",
        "link to root/etc/passwd",
        "link to proc",
        "link to proc/etc/passwd",
        "link to itself",
        "link to itself/file",
        "link to nothing",
        "link to nothing/file",
    ],
)
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDONLY | os.O_DIRECTORY])
def test_no_link_is_followed(directory: int, path: str, flags: int) -> None:
    with pytest.raises(AccessDenied) as caught:
        open_beneath(directory, path, flags)
    assert caught.value.status is Status.ACCESS_DENIED


@pytest.mark.parametrize("path", ["self/fd/0", "self/exe", "self/root/etc/passwd", "self"])
def test_no_magic_link_is_followed(directory: int, path: str) -> None:
    assert directory >= 0  # for its patches
    with Handle(os.open("/proc", os.O_PATH)) as proc, pytest.raises(AccessDenied):
        open_beneath(proc.fileno(), path)
    with Handle(os.open(f"/proc/{os.getpid()}", os.O_PATH)) as proc, pytest.raises(AccessDenied):
        open_beneath(proc.fileno(), path.removeprefix("self/").replace("self", "cwd"))


@pytest.mark.parametrize("path", ["", "\0", "file\0", "inner/\0/file", "\ud800"])
def test_what_is_no_path_is_refused(directory: int, path: str) -> None:
    with pytest.raises(InvalidArgs):
        open_beneath(directory, path)


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR])
@pytest.mark.parametrize("path", ["fifo", "socket", "null"])
def test_nothing_else_is_opened_and_nothing_blocks(directory: int, path: str, flags: int) -> None:
    if path == "null":
        with Handle(os.open("/dev", os.O_PATH)) as dev, pytest.raises(WrongType):
            open_beneath(dev.fileno(), path, flags)
    else:
        with pytest.raises(WrongType):
            open_beneath(directory, path, flags)


@pytest.mark.parametrize(
    "path,flags,status",
    [
        ("nothing", os.O_RDONLY, Status.NOT_FOUND),
        ("nothing/file", os.O_RDONLY, Status.NOT_FOUND),
        ("file/file", os.O_RDONLY, Status.NOT_DIR),
        ("file", os.O_RDONLY | os.O_DIRECTORY, Status.NOT_DIR),
        ("inner", os.O_RDWR, Status.NOT_FILE),
        ("n" * 256, os.O_RDONLY, Status.BAD_PATH),
        ("./" * 2047 + "ff", os.O_RDONLY, Status.BAD_PATH),
    ],
)
def test_errors_are_told_by_status(directory: int, path: str, flags: int, status: Status) -> None:
    before = open_fds()
    with pytest.raises(IpcError) as caught:
        open_beneath(directory, path, flags)
    assert caught.value.status is status
    assert open_fds() == before


def test_access_modes_are_rights_and_are_kept(directory: int) -> None:
    with open_beneath(directory, "file", os.O_WRONLY | os.O_APPEND) as file:
        os.write(file.fileno(), b", world")
        assert file.rights & IO == Rights.WRITE
    with open_beneath(directory, "file", os.O_RDWR | os.O_TRUNC) as file:
        assert os.read(file.fileno(), 10) == b""
        assert file.rights & IO == IO
    with open_beneath(directory, "file") as file:
        assert file.rights & IO == Rights.READ
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            os.write(file.fileno(), b"x")


@pytest.mark.parametrize("flags", [os.O_CREAT, os.O_TMPFILE, os.O_PATH, os.O_RDWR | os.O_EXCL])
def test_other_flags_are_refused(directory: int, flags: int) -> None:
    with pytest.raises(InvalidArgs):
        open_beneath(directory, "file", flags)


def test_a_lease_is_not_waited_for(directory: int) -> None:
    with open_beneath(directory, "file", os.O_RDWR) as holder:
        fcntl.fcntl(holder.fileno(), fcntl.F_SETLEASE, fcntl.F_WRLCK)
        fcntl.fcntl(holder.fileno(), fcntl.F_SETSIG, 23)  # SIGURG, which is ignored
        with pytest.raises(ShouldWait):
            open_beneath(directory, "file")
        fcntl.fcntl(holder.fileno(), fcntl.F_SETLEASE, fcntl.F_UNLCK)


def test_a_directory_that_may_be_searched_but_not_read_is_passed(
    directory: int, tree: Path
) -> None:
    (tree / "inner").chmod(0o111)
    with open_beneath(directory, "inner/file"):
        pass
    (tree / "inner").chmod(0o755)


def test_what_is_no_directory_has_nothing_beneath(directory: int) -> None:
    with open_beneath(directory, "file") as file, pytest.raises(IpcError) as caught:
        open_beneath(file.fileno(), "file")
    assert caught.value.status is Status.NOT_DIR


@pytest.mark.parametrize("denial", [errno.ENOSYS, errno.EPERM])
def test_a_real_sandbox_without_openat2(tree: Path, spawn_python: Spawner, denial: int) -> None:
    with Handle(os.open(tree, os.O_PATH)) as root:
        child = spawn_python.module(
            "tests.objects.children",
            "open_in_sandbox",
            root.fileno(),
            denial,
            pass_fds=[root.fileno()],
        )
        assert child.finish().splitlines() == [
            "openat2 denied",
            "file opened",
            "inner/file opened",
            "link to file ACCESS_DENIED",
            "link to root/etc/passwd ACCESS_DENIED",
            "fifo WRONG_TYPE",
            "nothing NOT_FOUND",
        ]


def test_an_inner_name_is_walked_without_leaving_descriptors(tree: Path) -> None:
    before = open_fds()
    with Handle(os.open(tree, os.O_PATH)) as root:
        deep = [b"inner"] + [b"."] * 5 + [b"file"]
        os.close(openat._walk(root.fileno(), deep, os.O_RDONLY))
        with pytest.raises(FileNotFoundError):
            openat._walk(root.fileno(), [b"inner", b".", b"gone", b"file"], os.O_RDONLY)
    assert open_fds() == before


def test_nothing_is_found_in_an_empty_directory(tmp_path: Path) -> None:
    with Handle(os.open(tmp_path, os.O_PATH)) as root, pytest.raises(NotFound):
        open_beneath(root.fileno(), "file")
