"""Descriptors: how many may be kept for long, so that requests find some free.

A packet whose descriptors find no room arrives without them, and its sender looks hostile: a
process that let its clients fill its table would throw out the innocent. The kernel gives numbers
out from below, so a number tells whether the descriptor is one of the last.
Source: recvmsg(2), MSG_CTRUNC; getrlimit(2).
"""

from __future__ import annotations

import resource
from typing import Final

_HEADROOM: Final = 80
"""The 65 that one packet may carry, and some of our own."""


def descriptor_ceiling() -> int:
    """Answer the first descriptor that nothing may keep for long, as the limit is now."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return limit - min(_HEADROOM, limit // 4)
