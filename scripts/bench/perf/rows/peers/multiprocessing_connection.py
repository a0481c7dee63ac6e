"""multiprocessing.connection over Unix sockets: pickled pairs, raw bytes where all are bytes.

One listener for each measure, so that no message needs a name; descriptors by `reduction`, as the
standard library itself passes them; replies come in order, so calls are in flight without numbers.
Source: docs.python.org, "Listeners and Clients".
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Client, Connection, Listener
from multiprocessing.reduction import recv_handle, send_handle

from scripts.bench.perf.row import Driver, Kind, Measure, Row
from scripts.bench.perf.rows.peers._shared import (
    ASYNC,
    FDS,
    LARGE,
    PAGES,
    SMALL,
    SUM,
    A,
    B,
    SyncDriver,
    same,
)
from scripts.bench.perf.timing import touch

Pipe = Connection


def answer_add(pipe: Pipe) -> None:
    a, b = pipe.recv()
    pipe.send(a + b)


def answer_echo(pipe: Pipe) -> None:
    pipe.send_bytes(pipe.recv_bytes())


def answer_large(pipe: Pipe) -> None:
    pipe.send(touch(pipe.recv_bytes()))


def answer_fd(pipe: Pipe) -> None:
    pipe.recv()
    fd = recv_handle(pipe)
    try:
        pipe.send(A)
        send_handle(pipe, fd, os.getpid())
    finally:
        os.close(fd)


def answer_none(pipe: Pipe) -> None:
    pipe.send(pipe.recv())


ANSWERS: dict[Measure, Callable[[Pipe], None]] = {
    Measure.ADD: answer_add,
    Measure.ECHO: answer_echo,
    Measure.BYTES_1M: answer_large,
    Measure.FD: answer_fd,
    Measure.FD_NONE: answer_none,
}


def path(address: str, measure: Measure) -> str:
    return os.path.join(address, measure.value)


def serve(address: str, ready: Callable[[], None]) -> None:
    def loop(listener: Listener, answer: Callable[[Pipe], None]) -> None:
        while True:
            pipe = listener.accept()
            try:
                while True:
                    answer(pipe)
            except EOFError:
                pipe.close()

    threads = [
        threading.Thread(target=loop, args=(Listener(path(address, measure)), answer), daemon=True)
        for measure, answer in ANSWERS.items()
    ]
    for thread in threads:
        thread.start()
    ready()
    threads[0].join()


def connect(address: str) -> Driver:
    pipes = {measure: Client(path(address, measure)) for measure in ANSWERS}
    passed = os.memfd_create("passed")

    adding = pipes[Measure.ADD]

    def added() -> None:
        same(adding.recv(), SUM)

    def begin() -> Callable[[], object]:
        adding.send((A, B))
        return added

    def add() -> None:
        adding.send((A, B))
        added()

    def echo() -> None:
        pipe = pipes[Measure.ECHO]
        pipe.send_bytes(SMALL)
        same(pipe.recv_bytes(), SMALL)

    def large() -> None:
        pipe = pipes[Measure.BYTES_1M]
        pipe.send_bytes(LARGE)
        same(pipe.recv(), PAGES)

    def pass_fd() -> None:
        pipe = pipes[Measure.FD]
        pipe.send(A)
        send_handle(pipe, passed, os.getpid())
        same(pipe.recv(), A)
        os.close(recv_handle(pipe))

    def pass_none() -> None:
        pipe = pipes[Measure.FD_NONE]
        pipe.send(A)
        same(pipe.recv(), A)

    def close() -> None:
        for pipe in pipes.values():
            pipe.close()
        os.close(passed)

    return SyncDriver(
        {
            Measure.ADD: add,
            Measure.ECHO: echo,
            Measure.BYTES_1M: large,
            Measure.FD: pass_fd,
            Measure.FD_NONE: pass_none,
        },
        close,
        begin,
    )


ROWS = (
    Row(
        name="multiprocessing.connection",
        kind=Kind.SYNC_PEER,
        measures=ASYNC | FDS,
        serve=serve,
        connect=connect,
    ),
)
