from __future__ import annotations

from ipcrt.wire import limits
from ipcrt.wire.header import HEADER_BYTES


def test_the_largest_inline_body_fills_a_packet() -> None:
    assert limits.MAX_INLINE_BODY_BYTES + HEADER_BYTES == limits.MAX_PACKET_BYTES


def test_the_limits_fit_their_fields() -> None:
    assert limits.MAX_INLINE_BODY_BYTES < 1 << 16
    assert limits.MAX_HANDLES < 1 << 8


def test_a_kernel_packet_has_room_for_the_spill_memfd_too() -> None:
    scm_max_fd = 253  # unix(7)
    assert scm_max_fd > limits.MAX_HANDLES
