"""Floors in C: what the kernel takes for a packet there and back."""

from __future__ import annotations

import ctypes
import functools
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from scripts.bench.perf.packets import connected, listen
from scripts.bench.perf.row import IN_FLIGHT, Driver, Kind, Measure, Row

SOURCE = Path(__file__).parents[1] / "floor.c"
SIZES = {Measure.ECHO: 64}
ADD_BYTES = 32


def _library(address: str) -> str:
    return os.path.join(address, "floor.so")


def serve(spin: bool, address: str, ready: Callable[[], None]) -> None:
    library = _library(address)
    command = ["cc", "-O2", "-shared", "-fPIC", "-o", library, str(SOURCE)]
    subprocess.run(command, check=True)
    floor = ctypes.CDLL(library)
    with listen(address) as sock:
        ready()
        while True:
            connection, _ = sock.accept()
            with connection:
                floor.floor_echo(connection.fileno(), spin)


class CDriver:
    """The client, whose loops are in C too."""

    def __init__(self, spin: bool, address: str) -> None:
        self._spin = spin
        self._floor = ctypes.CDLL(_library(address))
        self._sock = connected(address)

    def run(self, measure: Measure, count: int) -> list[int]:
        head = (self._sock.fileno(), self._spin, ctypes.c_long(SIZES.get(measure, ADD_BYTES)))
        width = IN_FLIGHT.get(measure)
        ns = (ctypes.c_int64 * (1 if width else count))()
        if width:
            code = self._floor.floor_flight(*head, ctypes.c_long(count), ctypes.c_long(width), ns)
        else:
            code = self._floor.floor_each(*head, ctypes.c_long(count), ns)
        if code:
            raise OSError(-code, os.strerror(-code))
        return list(ns)

    def close(self) -> None:
        self._sock.close()


def connect(spin: bool, address: str) -> Driver:
    return CDriver(spin, address)


ROWS = tuple(
    Row(
        name=name,
        kind=Kind.FLOOR,
        measures=frozenset({Measure.ADD, Measure.ECHO, Measure.FLIGHT_64}),
        serve=functools.partial(serve, spin),
        connect=functools.partial(connect, spin),
        requires=("command:cc",),
        spins=spin,
    )
    for name, spin in (("C blocking", False), ("C spinning", True))
)
