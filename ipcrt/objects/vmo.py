"""Vmo: memory that several processes may read, write and map.

A memfd. Sizes are never trusted: whoever else holds it may shrink it at any moment.

1. A shrunk file raises SIGBUS in whoever has it mapped. So it is mapped only once it is sealed
   against shrinking (F_SEAL_SHRINK), which nobody can undo. `read` and `write` copy through the
   kernel and need no seal: a shrunk file gives an error.
2. The rights READ and WRITE are the descriptor's access mode, which the kernel enforces. But
   whoever receives a read-only descriptor of an unsealed Vmo may open it again for writing,
   through /proc/self/fd: only Seals.WRITE or FUTURE_WRITE keep it from changing.
3. Huge pages are refused: they are not there when they are needed, which is SIGBUS again.
Source: zx_vmo_create, _read, _write, _get_size; memfd_create(2), F_ADD_SEALS in fcntl(2), mmap(2).
"""

from __future__ import annotations

import fcntl
import mmap
import os
from typing import ClassVar, Final, Self

from ipcrt.errors import AccessDenied, BadState, InvalidArgs, NotSupported, OutOfRange, from_oserror
from ipcrt.objects import rights as _rights
from ipcrt.objects._fd import close_fd, create_memfd, duplicate_fd
from ipcrt.objects.handle import Handle
from ipcrt.objects.kind import ObjType, check_kind
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import IMMUTABLE, Seals, add_seals, seals_of

MAX_NAME_BYTES: Final = 249
"""Source: memfd_create(2)."""

_MAX_BYTES: Final = (1 << 63) - 1
_F_GETFL: Final = fcntl.F_GETFL
_O_ACCMODE: Final = os.O_ACCMODE
_IO: Final = int(_rights.IO)
_ACCESS_OF_MODE: Final = [int(_rights.of_access_mode(mode)) for mode in range(os.O_ACCMODE + 1)]


class Vmo(Handle):
    """A virtual memory object.

    The MAP right is advisory, READ and WRITE are enforced (but see rule 2). Offsets and lengths
    are in bytes.
    """

    TYPE: ClassVar[ObjType] = ObjType.VMO
    DEFAULT_RIGHTS: ClassVar[Rights] = (
        _rights.BASIC | _rights.IO | _rights.PROPERTY | Rights.MAP | Rights.SIGNAL
    )

    __slots__ = ("_access",)

    _access: int
    """READ and WRITE as the kernel allows them: the descriptor's access mode never changes.

    Not there until somebody has asked for it.
    """

    @classmethod
    def create(cls, size: int, name: str = "vmo") -> Self:
        """Make a Vmo of `size` zero bytes; owned by the caller. `name` shows in /proc.

        Raises: OutOfRange: no size, or a name over 249 bytes. InvalidArgs: a NUL in the name.
        NoResources.
        """
        if not 0 <= size <= _MAX_BYTES:
            raise OutOfRange(f"size {size} is not from 0 to {_MAX_BYTES}")
        length = len(os.fsencode(name))
        if length > MAX_NAME_BYTES:
            raise OutOfRange(f"name of {length} bytes exceeds {MAX_NAME_BYTES}")
        if "\0" in name:
            raise InvalidArgs(f"name {name!r} holds a NUL")
        vmo = cls(create_memfd(name))
        vmo._access = _IO
        try:
            vmo.set_content_size(size)
        except BaseException:
            vmo.close()
            raise
        return vmo

    @classmethod
    def from_bytes(cls, data: bytes | memoryview, name: str = "vmo") -> Self:
        """Make a Vmo that holds a copy of `data`; owned by the caller, not sealed.

        Raises: what `create` and `write` raise.
        """
        octets = memoryview(data).cast("B")
        vmo = cls.create(len(octets), name)
        try:
            vmo.write(0, octets)
        except BaseException:
            vmo.close()
            raise
        return vmo

    @classmethod
    def from_handle(cls, handle: Handle) -> Self:
        """As `Handle.from_handle`; READ and WRITE are as the access mode has them (rule 2)."""
        allowed = cls._inspect(handle.fileno())
        vmo = cls(handle.take(), allowed)
        vmo._access = allowed & _IO
        vmo._bits &= ~handle.lacks(_rights.ALL)
        return vmo

    @classmethod
    def _inspect(cls, fd: int) -> int:
        """Answer the rights that the descriptor's access mode leaves (rule 2)."""
        check_kind(fd, ObjType.VMO)
        return cls._default_bits & (_access_of(fd) | ~_IO)

    @property
    def content_size(self) -> int:
        """How many bytes it holds, now: others may change that until it is sealed."""
        try:
            return os.fstat(self.fileno()).st_size
        except OSError as error:
            raise from_oserror(error, "look at a VMO") from error

    @property
    def size(self) -> int:
        """How many bytes a mapping of it takes: the content's, rounded up to whole pages."""
        return -(-self.content_size // mmap.PAGESIZE) * mmap.PAGESIZE

    def set_content_size(self, size: int) -> None:
        """Cut the content, or append zeros to it.

        Raises: OutOfRange. BadState: sealed against it. AccessDenied: no WRITE or SET_PROPERTY.
        """
        self.require(Rights.WRITE | Rights.SET_PROPERTY, "set the content size")
        if not 0 <= size <= _MAX_BYTES:
            raise OutOfRange(f"size {size} is not from 0 to {_MAX_BYTES}")
        try:
            os.ftruncate(self.fileno(), size)
        except PermissionError as error:
            raise BadState(f"{self.seals!r} forbid {size} bytes") from error
        except OSError as error:
            raise from_oserror(error, f"resize a VMO to {size} bytes") from error

    def read(self, offset: int, length: int) -> bytes:
        """Copy `length` bytes out.

        Raises: OutOfRange: beyond the content. BadState: it shrank meanwhile.
        """
        self.require(Rights.READ, "read")
        self._check_range(offset, length)
        parts: list[bytes] = []
        done = 0
        try:
            while done < length:
                part = os.pread(self.fileno(), length - done, offset + done)
                if not part:
                    raise BadState(f"VMO shrank to under {offset + length} bytes in a read")
                parts.append(part)
                done += len(part)
        except OSError as error:
            raise from_oserror(error, f"read {length} bytes of a VMO") from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Copy `data` in; the content does not grow.

        Raises: OutOfRange: beyond the content. AccessDenied: sealed, or no WRITE right.
        """
        self.require(Rights.WRITE, "write")
        rest = memoryview(data).cast("B")
        self._check_range(offset, len(rest))
        try:
            while rest:
                count = os.pwrite(self.fileno(), rest, offset)
                rest = rest[count:]
                offset += count
        except OSError as error:
            raise from_oserror(error, f"write {len(rest)} bytes into a VMO") from error

    @property
    def seals(self) -> Seals:
        """What it is sealed against, now."""
        return seals_of(self.fileno())

    def seal(self, seals: Seals = IMMUTABLE) -> None:
        """Forbid something for good, to everybody.

        Raises: AccessDenied: no WRITE. BadState: sealed against sealing, or to be sealed against
        writing while it is mapped for that.
        """
        self.require(Rights.WRITE, "seal")
        add_seals(self.fileno(), seals)

    def map(self, *, writable: bool = False) -> mmap.mmap:
        """Map the whole content, shared with all who hold it; the caller closes the mapping.

        Seals it against shrinking first, where it is not (rule 1). The mapping outlives this
        handle; `memoryview(mapping)` gives the bytes without a copy.
        Raises: BadState: empty, or cannot be sealed. NotSupported: huge pages. AccessDenied: no
        MAP, READ or (for a writable one) WRITE right, or sealed against writing.
        """
        needed = Rights.MAP | Rights.READ | (Rights.WRITE if writable else Rights.NONE)
        self.require(needed, "map")
        fd = self.fileno()
        if not self.seals & Seals.SHRINK:
            self._seal_for_mapping()
        length = self.content_size  # from here on it can only grow
        if not length:
            raise BadState("an empty VMO cannot be mapped")
        if os.fstatvfs(fd).f_bsize > mmap.PAGESIZE:
            raise NotSupported("a VMO of huge pages cannot be mapped safely")
        return _map(fd, length, writable=writable)

    def _seal_for_mapping(self) -> None:
        try:
            self.seal(Seals.SHRINK)
        except (AccessDenied, BadState) as error:
            raise BadState(f"not sealed against shrinking, so not mapped: {error}") from error

    def _check_range(self, offset: int, length: int) -> None:
        if offset < 0 or length < 0:
            raise OutOfRange(f"offset {offset} or length {length} is negative")
        limit = self.content_size
        if offset + length > limit:
            raise OutOfRange(f"{length} bytes at {offset} exceed the content of {limit} bytes")

    def restrict(self, rights: Rights) -> None:
        """As `Handle.restrict`; a lost READ or WRITE is lost to the kernel, too (rule 2)."""
        fd = self.fileno()
        left = int(rights)
        try:
            access = self._access
        except AttributeError:
            access = self._access = _access_of(fd)
        if access & ~left:
            self._fd = fewer = self._duplicate_fd(rights)  # nobody watches a VMO
            close_fd(fd)
            self._access = _access_of(fewer)
        self._bits &= left

    def _duplicate_fd(self, rights: Rights) -> int:
        """Reopen with the access mode that `rights` leave (rule 2)."""
        fd = self.fileno()
        access = _access_of(fd)
        left = access & int(rights)
        if left == access:
            return duplicate_fd(fd)
        mode = os.O_WRONLY if left == Rights.WRITE else os.O_RDONLY
        try:
            return os.open(f"/proc/self/fd/{fd}", mode | os.O_CLOEXEC)
        except OSError as error:
            raise from_oserror(error, "reopen a VMO with fewer rights") from error


def _access_of(fd: int) -> int:
    """Answer READ and WRITE as the descriptor's access mode has them."""
    try:
        return _ACCESS_OF_MODE[fcntl.fcntl(fd, _F_GETFL) & _O_ACCMODE]
    except OSError as error:
        raise from_oserror(error, "look at a VMO") from error


def _map(fd: int, length: int, *, writable: bool) -> mmap.mmap:
    access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    try:
        try:
            return mmap.mmap(fd, length, mmap.MAP_SHARED, access)
        except PermissionError:
            if writable:
                raise
            # Before Linux 6.7 a file sealed against writing could not be shared read-only through
            # a descriptor that may write. A private mapping shows the same pages.
            return mmap.mmap(fd, length, mmap.MAP_PRIVATE, access)
    except OSError as error:
        raise from_oserror(error, f"map {length} bytes of a VMO") from error
