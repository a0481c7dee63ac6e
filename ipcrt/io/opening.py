"""Opening files in plain threads, as `builtins.open` does.

with open(client, "file:///etc/motd", "r") as lines:
    for line in lines: ...
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, overload

from ipcrt.bindings.proxy import DEFAULT_TIMEOUT
from ipcrt.io.errors import PosixErrors
from ipcrt.io.modes import Mode
from ipcrt.io.raw import ResourceFile
from ipcrt.io.sources import open_source, source_in
from ipcrt.io.ways import ThreadWaits, ThreadWays, run_now
from ipcrt.io.wrapping import Wrapping
from ipcrt.objects.handle import Handle
from ipcrt.resources.blocking_control import BlockingResourceClient

if TYPE_CHECKING:
    from io import TextIOWrapper

    from _typeshed import OpenTextMode


@overload
def open(  # noqa: A001  (as io.open)
    client: BlockingResourceClient,
    uri: str,
    mode: OpenTextMode,
    buffering: int = -1,
    *,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    timeout: float | None = None,
    open_timeout: float | None = DEFAULT_TIMEOUT,
) -> TextIOWrapper: ...
@overload
def open(  # noqa: A001
    client: BlockingResourceClient,
    uri: str,
    mode: str = "rb",
    buffering: int = -1,
    *,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    timeout: float | None = None,
    open_timeout: float | None = DEFAULT_TIMEOUT,
) -> IO[Any]: ...
def open(  # noqa: A001
    client: BlockingResourceClient,
    uri: str,
    mode: str = "rb",
    buffering: int = -1,
    *,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    timeout: float | None = None,
    open_timeout: float | None = DEFAULT_TIMEOUT,
) -> Any:
    """Open a resource as a file; the caller closes it. Used on the client's thread.

    All is as for `builtins.open`, except that `mode` is binary unless told otherwise, and text
    UTF-8. What a mode tells the server is in `modes`. `open_timeout` is for opening, `timeout` for
    each wait later; both in seconds, None: none.
    Raises: ValueError: no such mode, or arguments that do not fit it. OSError: FileNotFoundError,
    PermissionError, TimeoutError and others, as `ipcrt.io.errors` has them.
    """
    wrapping = Wrapping(Mode.parse(mode), buffering, encoding, errors, newline)
    return wrapping.around(open_raw(client, uri, mode, timeout=timeout, open_timeout=open_timeout))


def open_raw(
    client: BlockingResourceClient,
    uri: str,
    mode: str = "rb",
    *,
    timeout: float | None = None,
    open_timeout: float | None = DEFAULT_TIMEOUT,
) -> ResourceFile:
    """As `open`, without a buffer: each read and write is one."""
    parsed = Mode.parse(mode)
    with PosixErrors(uri):
        source = run_now(open_source(ThreadWays(client), uri, parsed, open_timeout))
    return ResourceFile(source, parsed, uri, timeout)


def file_of(
    handle: Handle,
    mode: str = "rb",
    buffering: int = -1,
    *,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    timeout: float | None = None,
) -> IO[Any]:
    """Make a file of a handle, which is moved, whether or not it works; as `os.fdopen`.

    For a file, memory, a pipe or a socket that any call answered. A file's offset is the file
    object's own, and begins at zero. Used from any thread.
    Raises: ValueError, OSError: as `open`; PermissionError: the descriptor, or the handle's rights,
    do not allow the mode. IsADirectoryError. EINVAL: a channel.
    """
    with handle:
        wrapping = Wrapping(Mode.parse(mode), buffering, encoding, errors, newline)
        made: IO[Any] = wrapping.around(raw_of(handle, mode, timeout=timeout))
        return made


def raw_of(handle: Handle, mode: str = "rb", *, timeout: float | None = None) -> ResourceFile:
    """As `file_of`, without a buffer."""
    with handle, PosixErrors():
        parsed = Mode.parse(mode)
        name = repr(handle)
        source = source_in(handle, parsed, ThreadWaits())
        return ResourceFile(source, parsed, name, timeout)
