"""A client that writes as fast as it can: `python -m tests.services.kvstore.writer HOW PREFIX FD`.

HOW is asyncio, uvloop, trio or blocking. Prints the number of each write when it is acknowledged,
until the service dies, refuses, or 100000 items are stored; then how it ended.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator

import anyio

from ipcrt.bindings.ends import ClientEnd
from ipcrt.errors import IpcError
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt_services.kvstore.bindings import Item, Store, StoreBlockingProxy, StoreProxy

IN_FLIGHT = 50
ITEMS = int(os.environ.get("ITEMS", "100000"))


def key_of(prefix: str, number: int) -> str:
    return f"{prefix}/{number:06d}"


def value_of(prefix: str, number: int) -> bytes:
    return f"{prefix}:{number}:".encode() * (1 + number % 20)


def item(prefix: str, number: int) -> Item:
    return Item(key_of(prefix, number), value_of(prefix, number))


def tell(acknowledged: int | str) -> None:
    """One system call, so that what was told is told, whatever happens to this process."""
    os.write(1, f"{acknowledged}\n".encode())


async def write_all(store: StoreProxy, prefix: str, numbers: Iterator[int]) -> None:
    for number in numbers:
        await store.write_item(item(prefix, number))
        tell(number)


async def run(prefix: str, end: ClientEnd[Store]) -> None:
    numbers = iter(range(ITEMS))
    endings: list[str] = []

    async def write() -> None:
        try:
            await write_all(store, prefix, numbers)
        except IpcError as error:
            endings.append(str(error))

    async with (
        open_port() as port,
        StoreProxy(end, port) as store,
        anyio.create_task_group() as group,
    ):
        for _ in range(IN_FLIGHT):
            group.start_soon(write)
    tell(f"end: {', '.join(sorted(set(endings)))}")


def run_blocking(prefix: str, end: ClientEnd[Store]) -> None:
    ending = ""
    with BlockingPort() as port, StoreBlockingProxy(end, port) as store:
        try:
            for number in itertools.islice(itertools.count(), ITEMS):
                store.write_item(item(prefix, number))
                tell(number)
        except IpcError as error:
            ending = str(error)
    tell(f"end: {ending}")


def main() -> None:
    _, how, prefix, fd = sys.argv
    os.set_inheritable(int(fd), False)
    end = ClientEnd[Store](Channel(int(fd)))
    if how == "blocking":
        run_blocking(prefix, end)
        return
    options = {"use_uvloop": True} if how == "uvloop" else {}
    anyio.run(
        run, prefix, end, backend="trio" if how == "trio" else "asyncio", backend_options=options
    )


if __name__ == "__main__":
    main()
