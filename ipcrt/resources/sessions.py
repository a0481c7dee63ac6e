"""Sessions: a data channel that a handler serves, from the reply that hands out its other end.

1. A session begins when its OpenReply is on its way; what the client sends meanwhile waits.
2. It ends when its handler does: the channel is closed then, and what was sent can still be read.
   An exception is told by an Error before that; that the client has gone is no exception.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Final

from ipcrt.errors import BadState, IpcError, PeerClosed
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort
from ipcrt.resources.codes import code_of, is_expected
from ipcrt.resources.data import DataChannel
from ipcrt.resources.requests import Session

_log: Final = logging.getLogger("ipcrt.resources")


class Served:
    """One data channel and who serves it; owns the server's end."""

    __slots__ = ("_data", "_name", "_on_end", "_over", "_port", "_serve")

    def __init__(
        self,
        channel: Channel,
        port: AsyncPort,
        serve: Session,
        name: str,
        on_end: Callable[[], None],
    ) -> None:
        """Move `channel` here; `on_end` is called once, when the session is over."""
        self._data = DataChannel(channel, port)
        self._port = port
        self._serve = serve
        self._name = name
        self._on_end = on_end
        self._over = False

    def start(self) -> None:
        """Serve, beside all others."""
        try:
            self._port.spawn(self._run(), self._name)
        except BadState:  # the port is closing
            self.close()

    async def _run(self) -> None:
        try:
            await self._serve(self._data)
        except PeerClosed:
            _log.debug("%s: the client has gone", self._name)
        except Exception as error:  # noqa: BLE001  (rule 2)
            log_failure(self._name, error)
            with contextlib.suppress(IpcError):
                await self._data.send_error(code_of(error))
        finally:
            self.close()

    def close(self) -> None:
        """Close the channel; idempotent."""
        self._data.close()
        if not self._over:
            self._over = True
            self._on_end()


def log_failure(what: str, error: BaseException) -> None:
    """Log what a handler has raised: a defect with its traceback, what is told as news."""
    if is_expected(error):
        _log.info("%s: %s", what, error)
    else:
        _log.error("%s failed", what, exc_info=error)
