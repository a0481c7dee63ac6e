"""Root: the one directory that files are served beneath.

What exists is opened as `ipcrt.objects.openat` does it: no `..`, no links, no magic links, only
regular files and directories, never waiting for a FIFO. What is made or removed is named by its
parent, opened in that same way, and one last name, which is never followed where it is a link.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from ipcrt.errors import AccessDenied, InvalidArgs, WrongType, from_oserror
from ipcrt.objects.handle import Handle
from ipcrt.objects.openat import open_beneath

_ALWAYS: Final = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW
_FILE_MODE: Final = 0o666
_DIRECTORY_MODE: Final = 0o777


class Root:
    """Opens, makes and removes beneath a directory that it owns. Its calls raise IpcError."""

    def __init__(self, directory: Handle, *, read_only: bool = False) -> None:
        """Move `directory` here."""
        self._directory = directory
        self._read_only = read_only

    def open(self, path: str, flags: int) -> Handle:
        """Open a file or a directory; with O_CREAT a file, made where it is missing.

        The caller owns it. Raises: as `open_beneath`; AlreadyExists: with O_EXCL.
        """
        if flags & (os.O_ACCMODE | os.O_CREAT | os.O_TRUNC):
            self._check_writable()
        if not flags & os.O_CREAT:
            return open_beneath(self._directory.fileno(), path or ".", flags)
        with self._parent(path) as (parent, name), _told(f"make {path!r:.80}"):
            handle = Handle(os.open(name, flags | _ALWAYS, _FILE_MODE, dir_fd=parent))
        with handle:
            if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
                raise WrongType(f"{path!r:.80} is no regular file")
            os.set_blocking(handle.fileno(), True)
            return Handle(handle.take())

    def make_directory(self, path: str) -> None:
        """Make a directory. Raises: AlreadyExists."""
        self._check_writable()
        with self._parent(path) as (parent, name), _told(f"make {path!r:.80}"):
            os.mkdir(name, _DIRECTORY_MODE, dir_fd=parent)

    def remove(self, path: str, *, directory: bool = False) -> None:
        """Remove a file or a link, or an empty directory."""
        self._check_writable()
        with self._parent(path) as (parent, name), _told(f"remove {path!r:.80}"):
            if directory:
                os.rmdir(name, dir_fd=parent)
            else:
                os.unlink(name, dir_fd=parent)

    def rename(self, path: str, new: str) -> None:
        """Rename, in place of what `new` is."""
        self._check_writable()
        with (
            self._parent(path) as (old_parent, old_name),
            self._parent(new) as (parent, name),
            _told(f"rename {path!r:.80}"),
        ):
            os.rename(old_name, name, src_dir_fd=old_parent, dst_dir_fd=parent)

    def stat(self, path: str) -> os.stat_result:
        """Tell of what `path` is, also where it cannot be opened; of a link, of itself."""
        if path in ("", "."):
            return os.fstat(self._directory.fileno())
        with self._parent(path) as (parent, name), _told(f"look at {path!r:.80}"):
            return os.stat(name, dir_fd=parent, follow_symlinks=False)

    @contextmanager
    def _parent(self, path: str) -> Generator[tuple[int, str], None, None]:
        """Open the directory that `path` is in; answers its descriptor and the last name."""
        parent, _, name = path.rstrip("/").rpartition("/")
        if "\0" in name:
            raise InvalidArgs("a name holds a NUL")
        if name in ("", ".", "..") or path.startswith("/"):
            raise AccessDenied(f"path {path!r:.80} names nothing beneath the directory")
        flags = os.O_RDONLY | os.O_DIRECTORY
        with open_beneath(self._directory.fileno(), parent or ".", flags) as handle:
            yield handle.fileno(), name

    def _check_writable(self) -> None:
        if self._read_only:
            raise AccessDenied("these files are only to be read")

    def close(self) -> None:
        """Close the directory. Idempotent."""
        self._directory.close()


@contextmanager
def _told(doing: str) -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        raise from_oserror(error, doing) from error
    except UnicodeEncodeError as error:
        raise InvalidArgs(f"{doing}: no text that a file system can hold") from error
