from __future__ import annotations

from ipcrt.locator.kernel_queue import unread_by_peer, unread_by_us
from ipcrt.objects.channel import Channel


def test_what_nobody_has_read_is_told_on_both_sides() -> None:
    first, second = Channel.create()
    with first, second:
        assert (unread_by_peer(first), unread_by_us(second)) == (0, 0)
        first.write(b"x" * 1000)
        first.write(b"y" * 500)
        assert unread_by_us(second) == 1500
        assert unread_by_peer(first) > 1500, "with the kernel's own overhead"
        assert (unread_by_peer(second), unread_by_us(first)) == (0, 0)
        second.read()
        assert unread_by_us(second) == 500
        second.read()
        assert unread_by_peer(first) == 0


def test_a_closed_channel_holds_nothing() -> None:
    first, second = Channel.create()
    with second:
        first.write(b"x")
        first.close()
        assert (unread_by_peer(first), unread_by_us(first)) == (0, 0)
