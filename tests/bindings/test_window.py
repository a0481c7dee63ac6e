"""Window: at most so many numbers out, acknowledged by the highest."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcrt.bindings.acknowledger import Acknowledger
from ipcrt.bindings.misuse import Misuse
from ipcrt.bindings.window import Window
from ipcrt.errors import PeerClosed, ShouldWait
from ipcrt.port.aport import open_port
from tests.support.waiting import wait_until_async


def test_it_gives_out_as_many_numbers_as_it_has_room() -> None:
    window = Window(3)
    assert [window.next() for _ in range(3)] == [1, 2, 3]
    with pytest.raises(ShouldWait):
        window.next()
    window.acknowledge(2)
    assert window.outstanding == 1
    assert [window.next() for _ in range(2)] == [4, 5]
    with pytest.raises(ShouldWait):
        window.next()


@pytest.mark.parametrize("last_seq", [4, 1, 0, -1, 2**64 - 1])
def test_an_acknowledgement_of_what_was_not_sent_is_misuse(last_seq: int) -> None:
    window = Window(3)
    for _ in range(3):
        window.next()
    window.acknowledge(1)
    with pytest.raises(Misuse, match=f"{last_seq} acknowledged, not one of 2 to 3"):
        window.acknowledge(last_seq)
    assert window.outstanding == 2


@pytest.mark.anyio
async def test_a_full_window_is_waited_for() -> None:
    async with open_port() as port:
        window, numbers = Window(2), list[int]()

        async def send() -> None:
            while True:
                numbers.append(await window.next_wait(port))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send)
            await wait_until_async(lambda: window.statistics()["waiting"])
            assert numbers == [1, 2]
            window.acknowledge(2)
            await wait_until_async(lambda: len(numbers) == 4)
            assert window.statistics() == {"outstanding": 2, "waiting": 1}
            tasks.cancel_scope.cancel()
        assert window.statistics() == {"outstanding": 2, "waiting": 0}


@pytest.mark.anyio
async def test_a_peer_that_goes_ends_the_wait() -> None:
    async with open_port() as port:
        window = Window(1)
        window.next()
        async with anyio.create_task_group() as tasks:

            async def send() -> None:
                with pytest.raises(PeerClosed):
                    await window.next_wait(port)

            tasks.start_soon(send)
            await wait_until_async(lambda: window.statistics()["waiting"])
            window.close(PeerClosed("gone"))


@given(st.integers(1, 8), st.lists(st.booleans(), max_size=200))
def test_both_sides_agree(size: int, steps: list[bool]) -> None:
    """Whatever is sent and acknowledged, each half accepts what the other allows."""
    window, acknowledger = Window(size), Acknowledger(size)
    for send in steps:
        if send:
            try:
                acknowledger.receive(window.next())
            except ShouldWait:
                assert acknowledger.outstanding == size
        elif acknowledger.outstanding:
            window.acknowledge(acknowledger.acknowledge())
        assert window.outstanding == acknowledger.outstanding <= size
