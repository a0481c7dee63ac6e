"""Client identifiers: stable for one client, and of no use to two who compare."""

from __future__ import annotations

import hashlib

import pytest

from ipcrt.bindings.client_ids import KEY_BYTES, ClientIds
from ipcrt.errors import InvalidArgs

KEY = bytes(range(KEY_BYTES))


def test_a_client_gets_the_same_again() -> None:
    first, again = ClientIds(KEY), ClientIds(KEY)
    assert first.number(b"1000", b"serial 7") == again.number(b"1000", b"serial 7")
    assert first.opaque(b"1000", b"serial 7") == again.opaque(b"1000", b"serial 7")


def test_two_clients_get_different_ones() -> None:
    ids = ClientIds(KEY)
    numbers = {ids.number(str(uid).encode(), b"serial 7") for uid in range(1000)}
    opaque = {ids.opaque(str(uid).encode(), b"serial 7") for uid in range(1000)}
    assert len(numbers) == len(opaque) == 1000


def test_two_things_get_different_ones() -> None:
    ids = ClientIds(KEY)
    assert len({ids.number(b"1000", str(serial).encode()) for serial in range(1000)}) == 1000


def test_a_clients_name_does_not_run_into_the_things() -> None:
    ids = ClientIds(KEY)
    assert ids.number(b"10", b"00 serial") != ids.number(b"1000", b" serial")


def test_another_key_gives_others() -> None:
    assert ClientIds(KEY).number(b"1", b"x") != ClientIds(bytes(KEY_BYTES)).number(b"1", b"x")
    assert ClientIds().number(b"1", b"x") != ClientIds().number(b"1", b"x")


def test_they_fit_their_types() -> None:
    ids = ClientIds(KEY)
    numbers = [ids.number(b"1", bytes([n])) for n in range(200)]
    assert all(0 < number < 2**64 for number in numbers)
    assert max(numbers) > 2**60
    assert len(ids.opaque(b"1", b"x")) == 16


def test_the_thing_cannot_be_found_without_the_key() -> None:
    message = (1).to_bytes(4) + b"1" + b"x"
    plain = hashlib.blake2b(message, digest_size=8, person=b"ipcrt client id").digest()
    keyed = hashlib.blake2b(message, digest_size=8, key=KEY, person=b"ipcrt client id").digest()
    assert ClientIds(KEY).number(b"1", b"x") == int.from_bytes(keyed) != int.from_bytes(plain)


@pytest.mark.parametrize("size", [0, 31, 65])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(InvalidArgs, match=f"key of {size} bytes"):
        ClientIds(bytes(size))
