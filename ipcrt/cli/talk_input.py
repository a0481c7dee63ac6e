"""What is typed, or stands in a script: lines of a descriptor, on a port.

1. A line is read only when it is asked for; the rest stays in the kernel, or in one buffer.
2. The descriptor's flags are left as they are: whoever started us may share it. So it is read once
   for each time that it is readable.
3. On a terminal a line may be edited, where readline can be had; what is told meanwhile is written
   above it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import typer

from ipcrt.cli.complaint import Misused
from ipcrt.cli.line_editor import LineEditor
from ipcrt.errors import NotSupported
from ipcrt.objects.handle import Handle
from ipcrt.port.port import Port

MAX_LINE_BYTES: Final = 16 << 20
_PIECE_BYTES: Final = 1 << 16


class Input:
    """The lines of a descriptor; owns a duplicate of it. Used on its port's thread."""

    def __init__(
        self,
        port: Port,
        fd: int,
        on_news: Callable[[], None],
        *,
        prompt: str = "",
        editor: LineEditor | None = None,
    ) -> None:
        """`on_news` is called when a line, or the end, has come after `ask`."""
        self._port = port
        self._on_news = on_news
        self._prompt = prompt
        self._editor = editor
        self._asking = False
        self._ended = False
        self._line: str | None = None
        self._error: Exception | None = None
        self._rest = bytearray()
        self._handle = Handle(os.dup(fd))

    @property
    def ready(self) -> bool:
        """True when `take` has something to answer."""
        return self._line is not None or self._ended

    def ask(self) -> None:
        """Show the prompt, and read until there is a line."""
        self._cut()
        if self.ready:
            return
        self._asking = True
        if self._editor is not None:
            self._editor.begin(self._edited)
        elif self._prompt:
            typer.echo(self._prompt, nl=False)
        try:
            self._port.add_reader(self._handle, self._readable)
        except NotSupported:  # a file, which never has to be waited for
            while not self.ready:
                self._read()

    def take(self) -> str | None:
        """Answer the line that was asked for; None at the end.

        Raises: Misused: it is longer than 16 MiB. OSError: it cannot be read.
        """
        self.pause()
        error, self._error = self._error, None
        if error is not None:
            raise error
        line, self._line = self._line, None
        return line

    def pause(self) -> None:
        """Stop reading; harmless where nothing was asked."""
        if self._asking:
            self._asking = False
            self._port.remove_reader(self._handle)
            if self._editor is not None:
                self._editor.end()

    @contextmanager
    def aside(self) -> Generator[None, None, None]:
        """Write something above the line that is being typed."""
        if not self._asking or not self._prompt:
            yield
        elif self._editor is None:
            typer.echo()
            yield
            typer.echo(self._prompt, nl=False)
        else:
            with self._editor.aside():
                yield

    def _readable(self) -> None:
        if self._editor is None:
            self._read()
        else:
            self._editor.feed()
        if self.ready:
            self.pause()
            self._on_news()

    def _read(self) -> None:
        try:
            data = os.read(self._handle.fileno(), _PIECE_BYTES)
            self._rest += data
            self._ended = not data
            self._cut()
        except (OSError, Misused) as error:
            self._error, self._ended = error, True

    def _cut(self) -> None:
        """Take one line out of what was read."""
        if self._line is not None:
            return
        line, newline, rest = self._rest.partition(b"\n")
        if len(line) > MAX_LINE_BYTES:
            self._rest.clear()
            raise Misused(f"a line of more than {MAX_LINE_BYTES} bytes")
        if newline or (self._ended and line):
            self._rest = rest
            self._line = line.decode("utf-8", "surrogateescape")

    def _edited(self, line: str | None) -> None:
        self._line = line
        self._ended = line is None

    def close(self) -> None:
        """Give the terminal back as it was; idempotent."""
        self.pause()
        self._handle.close()
