# Library ipcrt.files: generated; do not edit.
"""The regular files beneath one directory, to be read."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, TypeAlias

from msgspec import Meta

from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.enums import FlexibleUint32
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.proxy import BlockingProxy, Proxy
from ipcrt.bindings.tables import Openness, ProtocolTable, Struct, TwoWay
from ipcrt.objects.handle import Handle


class OpenError(FlexibleUint32):
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
    ERROR = OpenError


class FilesOpenRequest(Struct):
    path: Path


class FilesOpenResponse(Struct):
    file: Handle


class Files(Protocol):
    """The regular files beneath one directory, to be read."""


Path: TypeAlias = Annotated[str, Meta(max_length=4095)]
"""A relative path, at most 4095 bytes."""

FILES_OPEN = TwoWay(
    "ipcrt.files/Files.Open", FilesOpenRequest, FilesOpenResponse, raises=OpenFailed
)
Files.TABLE = ProtocolTable("ipcrt.files/Files", Openness.OPEN, (FILES_OPEN,))


class FilesProxy(Proxy[Files]):
    """A client, awaited."""

    PROTOCOL = Files
    __slots__ = ()

    async def open(self, path: str, *, timeout: float | None = 25.0) -> FilesOpenResponse:
        """Open a regular file for reading; the caller owns the handle.

        Raises: OpenFailed.
        """
        return await self._call(FILES_OPEN, FilesOpenRequest(path), timeout)


class FilesBlockingProxy(BlockingProxy[Files]):
    """A client, blocking its thread; see `FilesProxy`."""

    PROTOCOL = Files
    __slots__ = ()

    def open(self, path: str, *, timeout: float | None = 25.0) -> FilesOpenResponse:
        return self._call(FILES_OPEN, FilesOpenRequest(path), timeout)


class FilesServer(Server[Files]):
    """Serves one client; see `FilesProxy`."""

    PROTOCOL = Files

    @abstractmethod
    def open(self, path: str) -> Answer[FilesOpenResponse]: ...
