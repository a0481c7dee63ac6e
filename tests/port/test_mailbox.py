"""The mailbox alone: what rings, what is bounded, what survives an interruption."""

from __future__ import annotations

import os
import resource
import select
import signal
import tempfile
import threading
import time
from types import FrameType

import pytest

from ipcrt.errors import BadState, NoResources, ShouldWait
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.mailbox import MAX_PACKETS, Mailbox
from ipcrt.port.packet import Packet
from tests.port.scene import A_MOMENT


def rings(mailbox: Mailbox) -> bool:
    return bool(select.select([mailbox], [], [], 0)[0])


def test_it_rings_while_packets_wait() -> None:
    mailbox = Mailbox()
    assert not rings(mailbox)
    for number in range(3):
        mailbox.put(Packet(number))
    assert rings(mailbox)
    assert mailbox.begin() == 3
    assert not rings(mailbox)
    assert [mailbox.take() for _ in range(4)] == [(0, 0, None), (1, 0, None), (2, 0, None), None]
    mailbox.end()
    assert not rings(mailbox)
    mailbox.close()


def test_what_was_left_behind_rings_again() -> None:
    mailbox = Mailbox()
    for number in range(3):
        mailbox.put(Packet(number))
    mailbox.begin()
    mailbox.take()
    mailbox.end()
    assert rings(mailbox)
    assert len(mailbox) == 2
    mailbox.close()


def test_a_packet_that_comes_meanwhile_rings_again() -> None:
    mailbox = Mailbox()
    mailbox.put(Packet(1))
    assert mailbox.begin() == 1
    mailbox.put(Packet(2))
    assert rings(mailbox)
    mailbox.close()


def test_it_is_bounded() -> None:
    """A port that nobody serves must not eat the memory."""
    with BlockingPort() as port:
        for _ in range(MAX_PACKETS):
            port.queue(Packet(1))
        with pytest.raises(ShouldWait, match="65536"):
            port.queue(Packet(1))
        port.bind(1, lambda _: None)
        port.dispatch()
        port.queue(Packet(1))


def test_a_closed_one_takes_nothing() -> None:
    mailbox = Mailbox()
    mailbox.put(Packet(1))
    mailbox.close()
    mailbox.close()
    assert len(mailbox) == 0
    assert mailbox.fileno() < 0
    assert mailbox.begin() == 0
    mailbox.end()
    with pytest.raises(BadState, match="closed"):
        mailbox.put(Packet(1))


@pytest.mark.parametrize("use", ["close", "put"])
def test_close_and_put_wait_for_each_other(use: str) -> None:
    """A sender that was about to ring must not write to a number that is another's by then."""
    mailbox = Mailbox()
    act = mailbox.close if use == "close" else lambda: mailbox.put(Packet(1))
    thread = threading.Thread(target=act)
    with mailbox._lock:
        thread.start()
        time.sleep(A_MOMENT)
        assert mailbox.fileno() >= 0
        assert len(mailbox) == 0
    thread.join()
    assert (mailbox.fileno() < 0, len(mailbox)) == ((True, 0) if use == "close" else (False, 1))
    mailbox.close()


def test_a_signal_handler_may_queue_while_its_thread_does() -> None:
    """The handler runs between two steps of whatever it interrupts, with the lock held or not."""
    count = 3000
    with BlockingPort() as port:

        def interrupt(number: int, frame: FrameType | None) -> None:
            del number, frame
            port.queue(Packet(2))

        old = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
        try:
            got = 0
            for _ in range(count):
                port.queue(Packet(1))
                while port.wait(20).key != 1:
                    pass
                got += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, old)
        assert got == count


def test_no_descriptor_left_is_told_and_none_is_lost() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for free in range(2):
        with tempfile.TemporaryFile() as highest:  # opened after all that was open before
            fillers = [os.dup(highest.fileno()) for _ in range(20)]
            resource.setrlimit(resource.RLIMIT_NOFILE, (fillers[-1] + 1 + free, hard))
            try:
                with pytest.raises(NoResources):
                    BlockingPort()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                for filler in fillers:
                    os.close(filler)
