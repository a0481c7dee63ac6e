"""Futex: sleep until a word of shared memory changes.

1. The key is the file and the offset, not the address: processes that map the same memory meet,
   also where one of them maps it read-only. Waiting and waking need no right to write.
2. So any reader can wake any other; a wake-up means "look again", never more.
3. The word is the lower half of a 64-bit version. It repeats after 2**32 changes, which a sleep of
   bounded length does not live to see.
4. A wake keeps the interpreter's lock: it never blocks, and letting the lock go costs more.
5. Where the system call's number is not known, a wait is a short sleep and a wake is nothing.
Source: futex(2).
"""

from __future__ import annotations

import functools
import platform
import sys
import time
from collections.abc import Callable
from typing import Any, Final

_NUMBERS: Final = {
    "x86_64": 202,
    "aarch64": 98,
    "riscv64": 98,
    "loongarch64": 98,
    "ppc64le": 221,
    "s390x": 238,
}
"""Of 64-bit machines only: a 32-bit one's struct timespec has another form."""
_WAIT: Final = 0
_WAKE: Final = 1
_ALL: Final = (1 << 31) - 1
_PY_BUFFER_WORDS: Final = 16
"""A Py_buffer has eleven."""
_NANOSECONDS: Final = 1_000_000_000
_NAP_S: Final = 0.001
_HALF_MASK: Final = (1 << 32) - 1
_HALF_AT: Final = 0 if sys.byteorder == "little" else 4


def address_of(memory: memoryview) -> int:
    """Answer where `memory` lies in this process; true for as long as it is mapped."""
    import ctypes

    buffer = (ctypes.c_void_p * _PY_BUFFER_WORDS)()  # its first word is the address
    api = ctypes.pythonapi
    api.PyObject_GetBuffer(ctypes.py_object(memory), ctypes.byref(buffer), ctypes.c_int(0))
    try:
        return buffer[0] or 0
    finally:
        api.PyBuffer_Release(ctypes.byref(buffer))


def wait(address: int, version: int, timeout: float) -> None:
    """Sleep while the 64-bit word at `address` is `version`, at most `timeout` seconds.

    May return early, and does where the word is another one. The address may have been unmapped.
    """
    number = _number()
    if number is None:
        time.sleep(min(timeout, _NAP_S))
        return
    import ctypes

    seconds, rest = divmod(int(timeout * _NANOSECONDS), _NANOSECONDS)
    span = (ctypes.c_long * 2)(seconds, rest)  # struct timespec, relative
    _syscall()(
        ctypes.c_long(number),
        ctypes.c_void_p(address + _HALF_AT),
        ctypes.c_int(_WAIT),
        ctypes.c_uint32(version & _HALF_MASK),
        ctypes.byref(span),
        None,
        ctypes.c_int(0),
    )


def waker(address: int) -> Callable[[], Any]:
    """Answer what wakes all who wait for the 64-bit word at `address`; cheap to call often."""
    number = _number()
    if number is None:
        return _wake_nobody
    import ctypes

    return functools.partial(
        ctypes.PyDLL(None).syscall,  # rule 4
        ctypes.c_long(number),
        ctypes.c_void_p(address + _HALF_AT),
        ctypes.c_int(_WAKE),
        ctypes.c_int(_ALL),
        None,
        None,
        ctypes.c_int(0),
    )


@functools.cache
def _syscall() -> Callable[..., Any]:
    """Answer syscall(2), which lets other threads run meanwhile."""
    import ctypes

    call: Callable[..., Any] = ctypes.CDLL(None).syscall
    return call


def _wake_nobody() -> None:
    """Rule 5."""


def _number() -> int | None:
    return _NUMBERS.get(platform.machine())
