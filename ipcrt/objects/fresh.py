"""Fresh bytes: long copies of memory into new bytes objects, without a page fault for each page.

The kernel gives fresh memory page by page, which costs more than to copy it. Huge pages, which we
may only ask for once the memory is there, cost a tenth of that.
Source: PyBytes_FromStringAndSize, PyBytes_AsString in Python's C API; madvise(2).
"""

from __future__ import annotations

import functools
import mmap
import os
from collections.abc import Callable
from typing import Final

_FROM_BYTES: Final = 4 << 20
"""Below this, memory that the allocator has kept is mostly there already."""
_HUGE_PAGE_BYTES: Final = 2 << 20


def copy(view: memoryview) -> bytes:
    """Copy `view` out."""
    size = view.nbytes
    if size < _FROM_BYTES:
        return view.tobytes()
    data, room = _make(size)
    room[:] = view
    return data


def read(fd: int, start: int, size: int) -> bytes:
    """Copy up to `size` bytes from `start` of a file; fewer where it ends before.

    Raises: OSError.
    """
    if size < _FROM_BYTES:
        return os.pread(fd, size, start)
    data, room = _make(size)
    done = 0
    while done < size:  # a read stops at 0x7ffff000 bytes, or at a signal
        count = os.preadv(fd, [room[done:]], start + done)
        if not count:
            return data[:done]
        done += count
    return data


def _make(size: int) -> tuple[bytes, memoryview]:
    """Make bytes without content, and the view to fill before anybody else sees them."""
    return _maker()(size)


@functools.cache
def _maker() -> Callable[[int], tuple[bytes, memoryview]]:
    import ctypes

    make = ctypes.pythonapi.PyBytes_FromStringAndSize
    make.restype, make.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_ssize_t)
    address_of = ctypes.pythonapi.PyBytes_AsString
    address_of.restype, address_of.argtypes = ctypes.c_void_p, (ctypes.py_object,)
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)

    def make_bytes(size: int) -> tuple[bytes, memoryview]:
        data: bytes = make(None, size)
        address: int = address_of(data)
        first = -(-address // _HUGE_PAGE_BYTES) * _HUGE_PAGE_BYTES
        last = (address + size) // _HUGE_PAGE_BYTES * _HUGE_PAGE_BYTES
        advise(first, last - first, mmap.MADV_HUGEPAGE)  # where it is refused: as without
        return data, memoryview((ctypes.c_char * size).from_address(address)).cast("B")

    return make_bytes
