"""Mapping: memory that stays mapped without a descriptor.

    view = map_shared(vmo, writable=True)       memoryview of all bytes; the VMO stays the caller's

1. Python's mmap keeps a duplicate of the descriptor for as long as it maps (always, before 3.13): a
   hundred images cost a process a hundred of those it may have. So mmap(2) is called here.
2. What may be mapped at all says `Vmo.map`, which is called first. Only what nobody can resize is
   mapped a second time: its length is final.
3. Nobody unmaps by hand: NumPy may show memory without telling it (`ndarray(buffer=view)` keeps no
   export), and would read unmapped memory then. It goes with the last view or array of it.
Source: mmap(2); F_ADD_SEALS in fcntl(2); madvise(2).
"""

from __future__ import annotations

import ctypes
import errno
import functools
import mmap
import os
import weakref
from typing import Any, Final

from ipcrt.errors import BadState, from_oserror
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.futex import address_of

_FINAL: Final = Seals.SHRINK | Seals.GROW
_MADV_POPULATE_READ: Final = 22
"""Linux 5.14 on."""
_FAILED: Final = ctypes.c_void_p(-1).value


def map_shared(vmo: Vmo, *, writable: bool, prefault: bool = False) -> memoryview:
    """Map all of what nobody can resize; drop the view to unmap it (rule 3).

    `prefault`: have all pages there now, instead of one by one when they are read.
    Raises: BadState: not sealed against resizing, or empty. NotSupported: huge pages. AccessDenied,
    NoResources.
    """
    missing = _FINAL & ~vmo.seals
    if missing:
        raise BadState(f"memory that is not sealed with {missing!r} is not mapped for good")
    allowed = vmo.map(writable=writable)
    try:
        view = _map(vmo.fileno(), len(allowed), writable=writable)
    except PermissionError:
        # What is sealed against writing, on Linux before 6.7: Vmo.map has found another way.
        view = memoryview(allowed)
    except OSError as error:
        allowed.close()
        raise from_oserror(error, f"map {vmo.content_size} bytes of a VMO") from error
    else:
        allowed.close()
    if prefault:
        _fill(view)
    return view


def _map(fd: int, length: int, *, writable: bool) -> memoryview:
    access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    libc = _libc()
    address = libc.mmap(None, length, access, mmap.MAP_SHARED, fd, 0)
    if address == _FAILED:
        raise _last_error()
    octets = (ctypes.c_ubyte * length).from_address(address)
    weakref.finalize(octets, libc.munmap, address, length).atexit = False
    view = memoryview(octets).cast("B")
    return view if writable else view.toreadonly()


def _fill(view: memoryview) -> None:
    if not _libc().madvise(address_of(view), len(view), _MADV_POPULATE_READ):
        return
    error = _last_error()
    if error.errno != errno.EINVAL:
        raise from_oserror(error, f"fill {len(view)} bytes of pages") from error
    sum(view[:: mmap.PAGESIZE])  # an older kernel


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


@functools.cache
def _libc() -> Any:
    """Answer the C library; its calls let other threads run meanwhile."""
    libc = ctypes.CDLL(None, use_errno=True)
    place, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    libc.mmap.restype = place
    libc.mmap.argtypes = (place, size, number, number, number, ctypes.c_int64)
    libc.munmap.argtypes = (place, size)
    libc.madvise.argtypes = (place, size, number)
    return libc
