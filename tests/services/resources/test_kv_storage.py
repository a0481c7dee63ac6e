from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcrt.errors import IoError, NotFound
from ipcrt_services.resources.kv_storage import Change, Changed, KvStorage


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[KvStorage]:
    with KvStorage(tmp_path) as storage:
        yield storage


def test_changes_are_done_in_order(storage: KvStorage) -> None:
    found = storage.change(
        [
            Change("a", b"1"),
            Change("a", b"2", b"1", compares=True),
            Change("a", b"3", b"1", compares=True),
            Change("b", b"", None, compares=True),
            Change("b", None),
            Change("c", None),
        ]
    )
    assert found == [
        Changed(None, done=True),
        Changed(b"1", done=True),
        Changed(b"2", done=False),
        Changed(None, done=True),
        Changed(b"", done=True),
        Changed(None, done=True),
    ]
    assert storage.value("a") == b"2"
    with pytest.raises(NotFound):
        storage.value("b")


def test_what_fails_leaves_none_of_a_group(storage: KvStorage) -> None:
    broken = Change("b", object())  # type: ignore[arg-type]
    with pytest.raises((IoError, sqlite3.Error)):
        storage.change([Change("a", b"1"), broken])
    assert storage.keys_with("", "", 9) == []
    storage.change([Change("a", b"1")])
    assert storage.keys_with("", "", 9) == ["a"]
