"""One look at a VMO, whoever wrote it: real writers in processes, and hostile ones."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcrt.errors import AccessDenied, BadHandle
from ipcrt.inspect.format import HEADER, MAGIC, MAX_BYTES, InspectError
from ipcrt.inspect.inspector import Inspector
from ipcrt.inspect.snapshot import Snapshot
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from tests.support.processes import Child, Spawner

# Writes two numbers that are always equal, as fast as it can, or as told on stdin.
WRITER = """
import os, sys
from ipcrt.inspect.inspector import Inspector
from ipcrt.objects.vmo import Vmo

inspector = Inspector(max_bytes=4096)
first, second = inspector.root.int("first"), inspector.root.int("second")
vmo = inspector.duplicate_vmo()
os.set_inheritable(vmo.fileno(), True)
print(vmo.fileno(), flush=True)
for line in sys.stdin:
    if line == "go\\n":
        print("going", flush=True)
        while True:
            with inspector.atomic():
                first.add()
                second.add()
    elif line == "stop inside\\n":
        with inspector.atomic():
            first.add()
            print("inside", flush=True)
            sys.stdin.readline()
    else:
        with inspector.atomic():
            first.add()
            second.add()
        print("done", flush=True)
"""


class Writer:
    """A process that writes, and its VMO, opened here."""

    def __init__(self, spawn: Spawner) -> None:
        self.child: Child = spawn(WRITER)
        number = int(self.child.line())
        fd = os.open(f"/proc/{self.child.pid}/fd/{number}", os.O_RDONLY | os.O_CLOEXEC)
        self.vmo = Vmo(fd, Vmo.DEFAULT_RIGHTS)

    def tell(self, line: str) -> None:
        self.child.send(line)
        assert self.child.line()

    def pair(self, timeout: float = 20) -> tuple[object, object, bool]:
        snapshot = Snapshot.read(self.vmo, timeout)
        return snapshot.root.find("first"), snapshot.root.find("second"), snapshot.torn


@pytest.fixture
def writer(spawn_python: Spawner) -> Iterator[Writer]:
    made = Writer(spawn_python)
    yield made
    made.vmo.close()


def test_a_writer_at_full_speed_is_never_seen_torn(writer: Writer) -> None:
    writer.tell("go")
    seen: set[object] = set()
    until = time.monotonic() + 2
    while time.monotonic() < until or len(seen) < 20:
        first, second, torn = writer.pair()
        assert (torn, first) == (False, second)
        seen.add(first)


def test_a_stopped_writer_is_read(writer: Writer) -> None:
    writer.tell("once")
    writer.child.kill(signal.SIGSTOP)
    assert writer.pair() == (1, 1, False)


def test_a_writer_that_is_stopped_or_killed_inside_a_change_leaves_a_torn_tree(
    writer: Writer,
) -> None:
    writer.tell("once")
    writer.tell("stop inside")
    writer.child.kill(signal.SIGSTOP)
    assert writer.pair(0.05) == (2, 1, True)
    writer.child.kill()
    writer.child.wait()
    assert writer.pair(0.05) == (2, 1, True)


def test_a_dead_writers_last_words_are_whole(writer: Writer) -> None:
    writer.tell("once")
    writer.tell("once")
    writer.child.kill()
    writer.child.wait()
    assert writer.pair() == (2, 2, False)


def test_a_writer_that_is_killed_anywhere_leaves_a_tree(spawn_python: Spawner) -> None:
    for _ in range(5):
        writer = Writer(spawn_python)
        with writer.vmo:
            writer.tell("go")
            time.sleep(0.02)
            writer.child.kill()
            writer.child.wait()
            first, second, torn = writer.pair(0.01)
            assert isinstance(first, int)
            assert isinstance(second, int)
            assert first - second == 0 or (torn and first - second == 1)


# ---- hostile ones


def good() -> bytes:
    with Inspector(max_bytes=4096) as inspector:
        node = inspector.root.child("n")
        node.int("i", 3)
        node.string("s", "text")
        node.exponential_histogram("h", floor=0, step=1, factor=2, buckets=3)
        inspector.root.uint_array("u", 3)
        with inspector.duplicate_vmo() as vmo:
            return vmo.read(0, inspector.statistics()["used_bytes"])


def test_an_unsealed_vmo_is_copied_and_never_mapped() -> None:
    with Vmo.from_bytes(good()) as vmo:
        assert Snapshot.read(vmo).root.find("n", "i") == 3
        assert not vmo.seals & Seals.SHRINK, "mapping would have sealed it"


@pytest.mark.parametrize("sealed", [False, True])
def test_reading_changes_nothing(sealed: bool) -> None:
    with Vmo.from_bytes(good()) as vmo:
        if sealed:
            vmo.seal(Seals.SHRINK)
        before = vmo.seals
        Snapshot.read(vmo)
        assert vmo.seals == before
        assert vmo.read(0, vmo.content_size) == good()


def test_one_that_shrinks_meanwhile_is_an_error_at_worst() -> None:
    data = good()
    done = threading.Event()
    with Vmo.from_bytes(data) as vmo:

        def stretch() -> None:
            while not done.is_set():
                vmo.set_content_size(0)
                vmo.set_content_size(len(data))
                vmo.write(0, data)

        thread = threading.Thread(target=stretch)
        thread.start()
        try:
            for _ in range(300):
                with contextlib.suppress(InspectError):
                    Snapshot.read(vmo, 0.001)
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize("size", [0, 63, MAX_BYTES + 1])
def test_a_size_that_no_tree_has_is_refused(size: int) -> None:
    with Vmo.create(size) as vmo, pytest.raises(InspectError, match=f"{size} bytes"):
        Snapshot.read(vmo)


def test_more_in_use_than_there_is_is_refused() -> None:
    with Vmo.from_bytes(HEADER.pack(MAGIC, 1, 0, 128, 0, 0, 0, 0)) as vmo:
        for _ in range(2):
            with pytest.raises(InspectError, match="128 bytes in use exceed the 64"):
                Snapshot.read(vmo)
            vmo.seal(Seals.SHRINK)


def test_no_vmo_at_all_is_refused() -> None:
    read, write = os.pipe()
    os.close(write)
    with Vmo(read) as vmo, pytest.raises(InspectError):
        Snapshot.read(vmo)


def test_a_handle_that_may_not_read_is_refused_as_such() -> None:
    with Vmo.from_bytes(good()) as vmo:
        with vmo.duplicate(Rights.TRANSFER) as other, pytest.raises(AccessDenied):
            Snapshot.read(other)
        copy = vmo.duplicate()
        copy.close()
        with pytest.raises(BadHandle):
            Snapshot.read(copy)


def test_one_that_claims_to_change_all_the_time_takes_no_longer_than_told() -> None:
    data = bytearray(good())
    odd = int.from_bytes(data[16:24], sys.byteorder) | 1
    data[16:24] = odd.to_bytes(8, sys.byteorder)
    begun = time.monotonic()
    snapshot = Snapshot.read(bytes(data), 0.05)
    assert snapshot.torn
    assert snapshot.root.find("n", "i") == 3
    assert 0.05 <= time.monotonic() - begun < 5


def test_the_largest_tree_is_read_in_bounded_time() -> None:
    """The most records that 1 MiB holds: 65532 nodes without a name."""
    count = (MAX_BYTES - 64) // 16
    node = b"".join([(16).to_bytes(4, sys.byteorder), b"\1", bytes(11)])
    data = HEADER.pack(MAGIC, 1, 0, 64 + 16 * count, 0, 0, 0, 0) + node * count
    begun = time.process_time()
    assert len(Snapshot.read(data).root.children) == count
    assert time.process_time() - begun < 10


@settings(deadline=None)
@given(st.binary(max_size=600), st.booleans())
def test_any_bytes(data: bytes, with_header: bool) -> None:
    if with_header:
        data = HEADER.pack(MAGIC, 1, 0, (64 + len(data)) // 8 * 8, 0, 0, 0, 0) + data
    with contextlib.suppress(InspectError):
        Snapshot.read(data, 0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=8)), max_size=5))
def test_a_good_tree_with_bytes_changed(changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(good())
    for at, octets in changes:
        place = at % len(data)
        data[place : place + len(octets)] = octets
    with Vmo.from_bytes(bytes(data)) as vmo:
        with contextlib.suppress(InspectError):
            Snapshot.read(vmo, 0)
        vmo.seal(Seals.SHRINK)
        with contextlib.suppress(InspectError):
            Snapshot.read(vmo, 0)
