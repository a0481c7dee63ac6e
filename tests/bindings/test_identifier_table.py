from __future__ import annotations

import pytest

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.identifier_table import IdentifierTable
from ipcrt.bindings.misuse import Misuse
from ipcrt.errors import AlreadyExists, Status
from ipcrt.port.aport import open_port
from tests.bindings.ticker import Number, TickerServer, connect


def table(*numbers: int, limit: int = 3) -> IdentifierTable[str]:
    made: IdentifierTable[str] = IdentifierTable("image", limit=limit)
    for number in numbers:
        made.add(number, f"image {number}")
    return made


def test_what_is_kept_is_found() -> None:
    images = table(7, 2)
    assert [images.get(7), images.get(2)] == ["image 7", "image 2"]
    assert list(images) == [7, 2]
    assert [number in images for number in (7, 2, 0, 1)] == [True, True, False, False]
    assert images.replace(7, "another") == "image 7"
    assert images.remove(7) == "another"
    assert len(images) == 1
    images.add(7, "again")
    assert images.clear() == ["image 2", "again"]
    assert len(images) == 0


def test_a_number_out_of_turn_is_misuse() -> None:
    images = table(7)
    with pytest.raises(Misuse, match="image 7 is there already") as caught:
        images.add(7, "second")
    assert caught.value.status is Status.ALREADY_EXISTS
    assert images.get(7) == "image 7"
    with pytest.raises(Misuse, match="image 0 cannot be") as caught:
        images.add(0, "zero")
    assert caught.value.status is Status.INVALID_ARGS
    assert len(images) == 1


def test_one_too_many_is_misuse() -> None:
    images = table(1, 2, 3)
    with pytest.raises(Misuse, match="image 4 beside 3, the limit") as caught:
        images.add(4, "fourth")
    assert caught.value.status is Status.NO_RESOURCES
    images.remove(1)
    images.add(4, "fourth")


def test_an_unknown_number_is_misuse() -> None:
    images = table(1)
    for use in (images.get, images.remove):
        with pytest.raises(Misuse, match="image 2 is not there") as caught:
            use(2)
        assert caught.value.status is Status.NOT_FOUND
    with pytest.raises(Misuse, match="image 2 is not there"):
        images.replace(2, "other")
    assert list(images) == [1]


class Registrar(TickerServer):
    def __init__(self) -> None:
        self._told: IdentifierTable[None] = IdentifierTable("number", limit=8)

    def tell(self, number: int) -> None:
        self._told.add(number, None)

    def watch(self) -> Answer[Number]:
        return Number(len(self._told))


@pytest.mark.anyio
async def test_a_client_that_uses_one_twice_is_closed() -> None:
    async with open_port() as port:
        client, binding = connect(Registrar(), port)
        other, _ = connect(Registrar(), port)
        async with client, other:
            await client.tell(1)
            assert await client.watch() == 1
            await client.tell(1)
            with pytest.raises(AlreadyExists):
                await client.watch()
            assert binding.closed
            await other.tell(1)
            assert await other.watch() == 1
