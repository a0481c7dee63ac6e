from __future__ import annotations

import os

import msgspec
import pytest

from ipcrt.errors import ProtocolError, WrongType
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.kept import KeptClient, KeptService, KeptTree, Record, Who
from ipcrt.locator.mark import Mark
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo

WHO = Credentials(1, 2, 3, frozenset({3, 70000}))
MARK = Mark(1, 2, 3)
RECORD = Record(
    clients=[KeptClient(1 << 40), KeptClient(2, Who.of(WHO), MARK)],
    services=[KeptService(3, 2, Who.of(WHO), MARK, ["test/Echo"])],
    trees=[KeptTree(4, "test/Echo", "inspect", (1, 2, 3), alive=False)],
)


def sealed(data: bytes) -> Vmo:
    vmo = Vmo.from_bytes(data)
    vmo.seal()
    return vmo


def test_there_and_back() -> None:
    assert Record.from_handle(RECORD.to_vmo()) == RECORD
    who = RECORD.clients[1].who
    assert who is not None
    assert who.credentials() == WHO


def test_nobody_can_change_it() -> None:
    with RECORD.to_vmo() as vmo, pytest.raises(OSError, match="Operation not permitted"):
        os.pwrite(vmo.fileno(), b"x", 0)


def test_one_that_could_be_changed_is_not_read() -> None:
    vmo = Vmo.from_bytes(msgspec.msgpack.encode(RECORD))
    with pytest.raises(ProtocolError, match=r"a record of [0-9]+ bytes"):
        Record.from_handle(vmo)
    assert vmo.closed


def test_one_of_another_version() -> None:
    with pytest.raises(ProtocolError, match="a record of version 2, expected 1"):
        Record.from_handle(sealed(msgspec.msgpack.encode(Record(version=2))))


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", b"\x91" * 10_000, msgspec.msgpack.encode([1, [["one"]]])],
    ids=["empty", "no msgpack", "deep", "wrong type"],
)
def test_no_record(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="no record"):
        Record.from_handle(sealed(data))


def test_no_vmo() -> None:
    with Handle(os.open("/dev/null", os.O_RDONLY)) as file, pytest.raises(WrongType):
        Record.from_handle(file)
