"""The contract of the files service: tables and typed signatures, as a generator would emit them.

library ipcrt.files;

type OpenError = flexible enum {
    UNKNOWN = 0; NOT_FOUND = 1; ACCESS_DENIED = 2; NOT_FILE = 3; BAD_PATH = 4; TOO_MANY_OPEN = 5;
    BUSY = 6;
};

@discoverable
open protocol Files {
    flexible Open(struct { path string:4095; })
        -> (resource struct { file zx.Handle; }) error OpenError;
};
"""

from __future__ import annotations

import enum
from abc import abstractmethod
from collections.abc import Coroutine
from typing import Annotated, Any

from msgspec import Meta

from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT, BlockingProxy, Proxy
from ipcrt.bindings.server import Server
from ipcrt.bindings.tables import Openness, ProtocolTable, Struct, TwoWay
from ipcrt.objects.handle import Handle

Path = Annotated[str, Meta(max_length=4095)]
"""A relative path, at most 4095 bytes."""


class OpenError(enum.IntEnum):
    """Why a file was not opened."""

    UNKNOWN = 0
    """The file system failed in a way that no other value names."""
    NOT_FOUND = 1
    """Nothing is there."""
    ACCESS_DENIED = 2
    """No permission, or a path that would leave the directory, or goes over a symbolic link."""
    NOT_FILE = 3
    """A directory, a FIFO, a socket or a device; or a file where a directory should be."""
    BAD_PATH = 4
    """Empty, too long, or with a name that no file can have."""
    TOO_MANY_OPEN = 5
    """The service has no descriptor free; try again later."""
    BUSY = 6
    """Another process holds a lease on the file; try again later."""


class OpenFailed(DomainError[OpenError]):
    """Files.Open failed."""

    ERROR = OpenError


class FilesOpenRequest(Struct, frozen=True):
    """Request of Files.Open."""

    path: Path


class FilesOpenResponse(Struct, frozen=True):
    """Response of Files.Open."""

    file: Handle


class Files(Protocol):
    """The regular files beneath one directory, to be read."""


FILES_OPEN = TwoWay(
    "ipcrt.files/Files.Open", FilesOpenRequest, FilesOpenResponse, raises=OpenFailed
)

Files.TABLE = ProtocolTable("ipcrt.files/Files", Openness.OPEN, (FILES_OPEN,))


class FilesProxy(Proxy[Files]):
    """A client of the files, awaited."""

    PROTOCOL = Files
    __slots__ = ()

    async def open(
        self, path: str, *, timeout: float | None = DEFAULT_TIMEOUT
    ) -> FilesOpenResponse:
        """Open a regular file for reading; the caller owns the handle.

        Raises: OpenFailed.
        """
        return await self._call(FILES_OPEN, FilesOpenRequest(path), timeout)


class FilesBlockingProxy(BlockingProxy[Files]):
    """A client of the files, blocking its thread; see `FilesProxy`."""

    PROTOCOL = Files
    __slots__ = ()

    def open(self, path: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> FilesOpenResponse:
        """Open a regular file for reading; the caller owns the handle.

        Raises: OpenFailed.
        """
        return self._call(FILES_OPEN, FilesOpenRequest(path), timeout)


class FilesServer(Server[Files]):
    """One client of the files, served. A method may be a plain `def` or a coroutine."""

    PROTOCOL = Files

    @abstractmethod
    def open(self, path: str) -> Coroutine[Any, Any, FilesOpenResponse] | FilesOpenResponse:
        """Open a file."""
