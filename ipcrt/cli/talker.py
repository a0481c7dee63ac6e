"""Talker: reads lines, makes the calls that they say, tells replies and events."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, Final, Self

from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.tables import Event
from ipcrt.cli.arguments import read_arguments
from ipcrt.cli.complaint import FAILED, Misused
from ipcrt.cli.conversation import Conversation
from ipcrt.cli.line_editor import LineEditor
from ipcrt.cli.protocols import find_method
from ipcrt.cli.talk_input import Input
from ipcrt.cli.talk_lines import WAIT, complete, read_wait, split_line
from ipcrt.cli.talk_output import Output
from ipcrt.cli.values import Reader
from ipcrt.errors import IpcError, NoResources, TimedOut
from ipcrt.locator.connect import BlockingLocatorClient
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import close_all

_MAX_KEPT_ENDS: Final = 64


class Talker:
    """One talk over one channel; owns the channel, and the client ends that it made."""

    def __init__(
        self,
        locator: BlockingLocatorClient,
        name: str,
        protocol: type[Protocol],
        timeout: float,
        *,
        as_json: bool,
    ) -> None:
        """Raises: Misused: there is no standard input. IpcError."""
        self._port = locator.port
        self._protocol = protocol
        self._timeout = timeout
        self._news = self._port.create_waiter()
        self._came: Counter[str] = Counter()  # events that no `wait` has taken
        self._broken: OSError | None = None
        self._line = 0
        self._failed = False
        self._kept: list[Channel] = []
        if sys.stdin is None:
            raise Misused("standard input is closed")
        self._is_script: Final = not sys.stdin.isatty()
        with ExitStack() as stack:
            self._input = self._open_input(stack)
            self._output = Output(self._input.aside, as_json=as_json)
            self._conversation = stack.enter_context(
                Conversation(
                    locator,
                    name,
                    protocol,
                    on_event=self._on_event,
                    on_unknown=self._on_unknown,
                    on_closed=self._wake,
                )
            )
            self._stack = stack.pop_all()

    def _open_input(self, stack: ExitStack) -> Input:
        prompt, editor = "", None
        if not self._is_script and sys.stdout.isatty():
            prompt = f"{self._protocol.TABLE.name.rpartition('/')[2]}> "
            editor = LineEditor.find(prompt, partial(complete, self._protocol))
        if editor is not None:
            stack.callback(editor.close)
        made = Input(self._port, sys.stdin.fileno(), self._wake, prompt=prompt, editor=editor)
        stack.callback(made.close)
        return made

    def run(self) -> int:
        """Talk until the input ends, or the channel; answer the exit status."""
        while self._conversation.error is None:
            try:
                line = self._next_line()
                if line is None:
                    return FAILED if self._failed and self._is_script else 0
                self._obey(line)
            except (IpcError, Misused) as error:
                self._failed = True
                self._output.error(error, self._line if self._is_script else None)
        return FAILED

    def _next_line(self) -> str | None:
        """Answer the next line; None at the end. Raises: IpcError: the channel was closed."""
        self._port.dispatch(0)  # a script that is all here must not keep events waiting
        self._line += 1
        self._input.ask()
        try:
            self._serve_until(lambda: self._input.ready)
            return self._input.take()
        finally:
            self._input.pause()

    def _obey(self, line: str) -> None:
        words = split_line(line)
        if not words:
            return
        if words[0] == WAIT:
            self._wait(words[1:])
            return
        method = find_method(self._protocol, words[0])
        reader = Reader(makes_ends=True)
        request = read_arguments(method.request.type, words[1:], reader)
        self._keep(reader)
        reply = self._conversation.call(method, request, self._timeout)
        self._check()
        self._output.reply(method, reply)

    def _keep(self, reader: Reader) -> None:
        """Keep the client ends that were made; until the end of the talk."""
        if len(self._kept) + len(reader.clients) > _MAX_KEPT_ENDS:
            reader.close()
            raise NoResources(f"more than {_MAX_KEPT_ENDS} server ends in one talk")
        self._kept += reader.clients

    def _wait(self, arguments: list[str]) -> None:
        wait = read_wait(self._protocol, arguments)
        if wait.event is None:
            until = time.monotonic() + (wait.seconds or 0)
            self._serve_until(lambda: time.monotonic() >= until, until)
            return
        name = wait.event.name
        if not self._serve_until(lambda: self._came[name] > 0, time.monotonic() + self._timeout):
            raise TimedOut(f"wait: no {name} came within {self._timeout:g} seconds")
        self._came[name] -= 1

    def _serve_until(self, done: Callable[[], bool], until: float | None = None) -> bool:
        """Serve the port until `done`, or time is up; answer whether it is done.

        Raises: IpcError: why the channel was closed. OSError: nobody reads what we write.
        """
        while not done():
            self._check()
            if self._conversation.error is not None:
                raise self._conversation.error
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return False
            self._news = self._port.create_waiter()
            try:
                self._port.run_until(self._news, left)
            except TimedOut:
                return done()
        return True

    def _wake(self) -> None:
        if not self._news.done():
            self._news.set_result(None)

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken

    # ---- what comes from the channel

    def _on_event(self, event: Event[Any], payload: Any) -> None:
        self._came[event.name] += 1
        self._tell(partial(self._output.event, event, payload))

    def _on_unknown(self, ordinal: int) -> None:
        self._tell(partial(self._output.unknown_event, ordinal))

    def _tell(self, tell: Callable[[], None]) -> None:
        """Tell news; a channel need not hear that nobody reads them."""
        try:
            tell()
        except OSError as error:
            self._broken = error
        self._wake()

    def close(self) -> None:
        """Close the channel and all that was kept; give the terminal back. Idempotent."""
        self._stack.close()
        close_all(self._kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
