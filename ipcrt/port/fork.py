"""Fork detection: a child must not use its parent's ports.

After fork(2) parent and child share one epoll instance and every socket behind it: what one
arms, the other is woken by. The generation below tells a port that it was made in another
process; it is the one thing that a process-wide hook has to write to.
Source: epoll(7); os.register_at_fork.
"""

from __future__ import annotations

import os
from typing import Final


class _Generation:
    """Counts the forks between the first process and this one."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self.number += 1


FORKS: Final = _Generation()
"""For those who ask often: its `number` is what `generation` answers."""


def generation() -> int:
    """Answer a number that differs between a process and its forked children."""
    return FORKS.number
