"""The files service's server: one object for each client, one directory for all.

A client gets the open file itself, not its content: it reads without us, and keeps the file when
we are gone. The descriptor allows no writing. That does not hold back a client that may write the
file anyway: it can open it again through /proc/self/fd, as it could by its path. Whoever must not
write needs files that its user has no permission to write.
"""

from __future__ import annotations

import os
import stat
from typing import Final

from ipcrt.bindings.server import Limits
from ipcrt.errors import IpcError, Status, WrongType, from_oserror
from ipcrt.objects.handle import Handle
from ipcrt.objects.openat import open_beneath
from ipcrt_services.files.bindings import FilesOpenResponse, FilesServer, OpenError, OpenFailed

CLIENT_LIMITS: Final = Limits(calls_in_flight=64, message_bytes=8192)
"""A request is a path of 4095 bytes at most."""

_BY_STATUS: Final = {
    Status.NOT_FOUND: OpenError.NOT_FOUND,
    Status.ACCESS_DENIED: OpenError.ACCESS_DENIED,
    Status.NOT_DIR: OpenError.NOT_FILE,
    Status.NOT_FILE: OpenError.NOT_FILE,
    Status.WRONG_TYPE: OpenError.NOT_FILE,
    Status.BAD_PATH: OpenError.BAD_PATH,
    Status.INVALID_ARGS: OpenError.BAD_PATH,
    Status.NO_RESOURCES: OpenError.TOO_MANY_OPEN,
    Status.NO_MEMORY: OpenError.TOO_MANY_OPEN,
    Status.SHOULD_WAIT: OpenError.BUSY,
}


class FilesClient(FilesServer):
    """One client of the files. Opening is a few system calls, so it is done on the spot."""

    def __init__(self, directory: Handle) -> None:
        """Files beneath `directory` may be opened; it is lent, and must outlive its clients."""
        self._directory = directory

    def open(self, path: str) -> FilesOpenResponse:
        try:
            return FilesOpenResponse(open_regular(self._directory, path))
        except IpcError as error:
            raise OpenFailed(_BY_STATUS.get(error.status, OpenError.UNKNOWN)) from error


def open_regular(directory: Handle, path: str) -> Handle:
    """Open a regular file beneath `directory` for reading; the caller owns it.

    Raises: WrongType: it is something else. And what `open_beneath` raises.
    """
    file = open_beneath(directory.fileno(), path, os.O_RDONLY)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise WrongType(f"{path!r} is a directory")
    return file


def open_directory(path: str | os.PathLike[str]) -> Handle:
    """Open the directory whose files are served; the caller owns it.

    Raises: NotFound, AccessDenied, IpcError with NOT_DIR.
    """
    try:
        return Handle(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    except OSError as error:
        raise from_oserror(error, f"open {os.fspath(path)}") from error
