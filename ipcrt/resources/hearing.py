"""Hearing: one who iterates over the errors of what was sent, on a data channel."""

from __future__ import annotations

from typing import Self

from ipcrt.resources.link import Link


class Hearing:
    """Those errors that one iterator is told, until it is closed or forgotten."""

    __slots__ = ("link",)

    def __init__(self, link: Link) -> None:
        self.link: Link | None = None
        link.begin_hearing()
        self.link = link

    def close(self) -> None:
        """Leave the errors to others; idempotent."""
        link, self.link = self.link, None
        if link is not None:
            link.end_hearing()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()
