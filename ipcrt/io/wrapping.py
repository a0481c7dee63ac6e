"""Wrapping: the buffers and the decoder of `io` around a raw file, as `builtins.open` puts them."""

from __future__ import annotations

import dataclasses
import io
from typing import Any, Final

from ipcrt.io.modes import Mode
from ipcrt.io.raw import ResourceFile
from ipcrt.resources.limits import MAX_STREAM_BYTES

BUFFER_BYTES: Final = MAX_STREAM_BYTES
"""What buffers hold: one packet. Those of files to be written hold no more, whatever is asked for:
a packet is sent or it is not, so a wait that ends early sends nothing twice."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wrapping:
    """What is wanted around a raw file; the words are those of `builtins.open`."""

    mode: Mode
    buffering: int = -1
    encoding: str | None = None
    errors: str | None = None
    newline: str | None = None

    def __post_init__(self) -> None:
        """Raises: ValueError: arguments that do not fit together."""
        if self.mode.text and self.buffering == 0:
            raise ValueError("text is always buffered")
        if not self.mode.text and not (self.encoding is self.errors is self.newline is None):
            raise ValueError("binary mode takes no encoding, errors or newline")

    def around(self, raw: ResourceFile) -> Any:
        """Wrap `raw`, which the result owns; on error it is closed."""
        if self.buffering == 0:
            return raw
        try:
            buffer = self._buffered(raw)
            if not self.mode.text:
                return buffer
            return io.TextIOWrapper(
                buffer,
                self.encoding or "utf-8",
                self.errors,
                self.newline,
                line_buffering=self.buffering == 1,
            )
        except BaseException:
            raw.close()
            raise

    def _buffered(self, raw: ResourceFile) -> Any:
        size = BUFFER_BYTES if self.buffering in (-1, 1) else self.buffering
        if not self.mode.writing:
            return io.BufferedReader(raw, size)
        size = min(size, BUFFER_BYTES)
        if not self.mode.updating:
            return io.BufferedWriter(raw, size)
        if raw.seekable():
            return io.BufferedRandom(raw, size)
        return io.BufferedRWPair(raw, raw, size)
