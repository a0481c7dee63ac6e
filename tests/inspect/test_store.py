from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator

import pytest

from ipcrt.errors import AccessDenied, BadState, OutOfRange
from ipcrt.inspect.format import GENERATION, HEADER_BYTES, MAX_BYTES, REFRESHED, Kind
from ipcrt.inspect.parse import parse_header, parse_tree
from ipcrt.inspect.store import Store
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store(4096, "test")
    yield made
    made.retire()
    made.close()


@pytest.mark.parametrize("size", [0, HEADER_BYTES - 1, MAX_BYTES + 1])
def test_a_size_that_no_vmo_has_is_refused(size: int) -> None:
    with pytest.raises(OutOfRange, match=f"{size} bytes"):
        Store(size, "test")


def test_nobody_but_the_mapping_can_change_it(store: Store) -> None:
    with store.duplicate() as vmo:
        assert vmo.seals == Seals.SHRINK | Seals.GROW | Seals.FUTURE_WRITE | Seals.SEAL | (
            vmo.seals & Seals.EXEC
        )
        assert not vmo.rights & Rights.WRITE
        fd = os.open(f"/proc/self/fd/{vmo.fileno()}", os.O_RDWR | os.O_CLOEXEC)
        try:
            with pytest.raises(PermissionError):
                os.pwrite(fd, b"x", 0)
        finally:
            os.close(fd)
        with pytest.raises(AccessDenied):
            vmo.map(writable=True)


def test_the_generation_is_odd_inside_a_change_only(store: Store) -> None:
    before = store.signed[GENERATION]
    with store, store:
        assert store.signed[GENERATION] == before + 1
        store.add(Kind.NODE, 0, "a", 0)
        assert store.signed[GENERATION] == before + 1, "all of it is one change"
    assert store.signed[GENERATION] == before + 2
    with pytest.raises(ZeroDivisionError), store:
        _ = 1 // 0
    assert store.signed[GENERATION] == before + 4


def test_records_come_and_go(store: Store) -> None:
    first = store.add(Kind.NODE, 0, "first", 0)
    second = store.add(Kind.NODE, first, "second", 0)
    third = store.add(Kind.BYTES, second, "third", 10)
    assert store.value_at(third)[1] == 16
    store.put(third, b"abc", 0)
    assert parse_tree(bytes(store.octets)).find("first", "second", "third") == b"abc"
    store.remove(third)
    store.remove(second)
    assert parse_tree(bytes(store.octets)).find("first")
    store.remove(0)
    store.remove(first)
    assert store.used_bytes == HEADER_BYTES
    again = store.add(Kind.BYTES, 0, "again", 10)
    assert again == first
    begin, room = store.value_at(again)
    assert bytes(store.octets[begin : begin + room]) == bytes(16), "nothing of the old is left"


def test_what_finds_no_room_is_counted(store: Store) -> None:
    assert store.add(Kind.BYTES, 0, "x", 4096) == 0
    assert store.add(Kind.NODE, -1, "x", 0) == 0
    assert store.dropped == 2
    assert parse_header(bytes(store.octets)).dropped == 2
    while store.add(Kind.NODE, 0, "x", 0):
        assert store.used_bytes <= 4096
    assert parse_tree(bytes(store.octets)).children


def test_a_name_is_cut(store: Store) -> None:
    store.add(Kind.NODE, 0, "ü" * 200, 0)
    assert parse_tree(bytes(store.octets)).children[0].name == "ü" * 127


def test_a_forked_child_changes_nothing(store: Store) -> None:
    at = store.add(Kind.BYTES, 0, "x", 8)
    before = bytes(store.octets)
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with store.lock:
            held.set()
            go_on.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on: threads and fork(2)
        pid = os.fork()
    if not pid:
        status = 1
        try:
            with store:
                store.set_word(REFRESHED, 7)
                store.remove(at)
                ok = store.add(Kind.NODE, 0, "child", 0) == 0
            unchanged = bytes(store.octets) == before
            store.retire()
            store.close()
            status = 0 if ok and unchanged else 2
        finally:
            os._exit(status)
    go_on.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert bytes(store.octets) == before


def test_closing_leaves_the_tree_to_those_who_hold_it(store: Store) -> None:
    store.add(Kind.NODE, 0, "last", 0)
    with store.duplicate() as vmo:
        with store, pytest.raises(BadState, match="middle"):
            store.retire()
        store.retire()
        store.retire()
        store.remove(HEADER_BYTES)
        store.close()
        store.close()
        assert parse_tree(vmo.read(0, 4096)).find("last")
