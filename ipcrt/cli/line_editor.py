"""Line editor: readline, a key at a time, so that a port can be served between two keys.

Python's own `input` holds the thread until the line is done. The library below it can be called
whenever a key is there; its functions are called where they are, in the library that Python's
`readline` has loaded already. Where that cannot be had, a terminal edits lines itself.
Source: the GNU Readline library, "Alternate Interface"; libedit has the same functions.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final, Self

Complete = Callable[[str, str], list[str]]
"""Takes what stands before a word, and the word's beginning; answers whole words."""

_LINE_CALLBACK: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_NEEDED: Final = (
    "rl_callback_handler_install",
    "rl_callback_handler_remove",
    "rl_callback_read_char",
    "rl_on_new_line",
    "rl_forced_update_display",
)


class LineEditor:
    """Edits lines on this process's terminal; there is one at a time."""

    def __init__(
        self, readline: ModuleType, library: ctypes.CDLL, prompt: str, complete: Complete
    ) -> None:
        """Use `open_editor`."""
        self._readline: Any = readline
        self._library = library
        self._libc = ctypes.CDLL(None)
        self._libc.free.argtypes = [ctypes.c_void_p]
        self._libc.fflush.argtypes = [ctypes.c_void_p]
        self._prompt = prompt.encode()
        self._complete = complete
        self._callback = _LINE_CALLBACK(self._line)  # the library keeps only its address
        self._on_line: Callable[[str | None], None] | None = None
        self._words: list[str] = []
        self._readline.set_completer_delims(" ")
        self._readline.set_completer(self._completion)
        is_libedit = "libedit" in (readline.__doc__ or "")
        self._readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")

    @classmethod
    def find(cls, prompt: str, complete: Complete) -> Self | None:
        """Answer an editor; None where this Python has none that can be used."""
        try:
            import readline

            library = ctypes.CDLL(getattr(readline, "__file__", None))
        except (ImportError, OSError):
            return None
        if not all(hasattr(library, name) for name in _NEEDED):
            return None
        return cls(readline, library, prompt, complete)

    def begin(self, on_line: Callable[[str | None], None]) -> None:
        """Show the prompt; `on_line` is told the line once it is done, None for Ctrl-D."""
        self._on_line = on_line
        sys.stdout.flush()
        self._library.rl_callback_handler_install(self._prompt, self._callback)

    def feed(self) -> None:
        """Take what was typed; the terminal must be readable."""
        self._library.rl_callback_read_char()

    @contextmanager
    def aside(self) -> Generator[None, None, None]:
        """Write something above the line."""
        clear = getattr(self._library, "rl_clear_visible_line", None)
        if clear is None:  # libedit
            sys.stdout.write("\r\x1b[K")
        else:
            clear()  # all of its rows
            self._libc.fflush(None)
        yield
        sys.stdout.flush()
        self._library.rl_on_new_line()
        self._library.rl_forced_update_display()

    def end(self) -> None:
        """Give the terminal back as it was; harmless where it is."""
        if self._on_line is not None:
            self._on_line = None
            self._library.rl_callback_handler_remove()

    def _line(self, address: int | None) -> None:
        """Take a line from the library, and with it the memory that it stands in."""
        on_line = self._on_line
        self.end()
        line = None
        if address is not None:
            line = ctypes.string_at(address).decode("utf-8", "surrogateescape")
            self._libc.free(address)
            if line.strip():
                self._readline.add_history(line)
        else:
            sys.stdout.write("\n")
        if on_line is not None:
            on_line(line)

    def _completion(self, text: str, state: int) -> str | None:
        if state == 0:
            before = self._readline.get_line_buffer()[: self._readline.get_begidx()]
            self._words = self._complete(before, text)
        return self._words[state] if state < len(self._words) else None

    def close(self) -> None:
        """Give the terminal back, and let go of the completion; idempotent."""
        self.end()
        self._readline.set_completer(None)
