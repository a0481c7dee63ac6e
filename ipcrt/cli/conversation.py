"""Conversation: calls and events over one channel, by a protocol's table alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, cast

from ipcrt.bindings.client import Client, OnEvent, OnUnknown
from ipcrt.bindings.ends import ClientEnd, Protocol
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.tables import Method, OneWay
from ipcrt.cli.show import to_json
from ipcrt.errors import AccessDenied, BadHandle, IpcError, LocalProtocolError, NotFound
from ipcrt.locator.connect import BlockingLocatorClient
from ipcrt.locator.protocol import Locator
from ipcrt.port.packet import Packet
from ipcrt.port.signals import Signals


class Conversation:
    """One channel to what is called `name`; owns the channel."""

    def __init__(
        self,
        locator: BlockingLocatorClient,
        name: str,
        protocol: type[Protocol],
        *,
        on_event: OnEvent | None = None,
        on_unknown: OnUnknown | None = None,
        on_closed: Callable[[], None] | None = None,
    ) -> None:
        """Open `name`; nobody has agreed yet. The locator is spoken to on its own channel.

        `on_event(event, payload)` is told of each event, in order, and owns its handles;
        `on_closed` when the channel is closed by whichever side.
        """
        self._name = name
        self._port = locator.port
        end: ClientEnd[Any]
        if name == Locator.TABLE.name:
            end = locator.proxy.into_client_end()
        else:
            end = locator.open_end(protocol, name)
        with end:
            self._client = Client(
                end.take_channel(), locator.port, protocol.TABLE, on_event, on_unknown
            )
        if on_closed is not None:
            self._watch(on_closed)

    def _watch(self, on_closed: Callable[[], None]) -> None:
        key = self._port.new_key()

        def receive(packet: Packet) -> None:
            del packet
            self._port.unbind(key)
            on_closed()

        self._port.bind(key, receive)
        # The connection closes the channel when it has read why: not before it is news.
        self._port.wait_async(self._client.connection.channel, key, Signals.HANDLE_CLOSED)

    @property
    def error(self) -> IpcError | None:
        """Why the channel is closed; None while it is open."""
        error = self._client.connection.error
        return None if error is None else self._explained(error)

    def call(self, method: Method[Any, Any], request: Any, timeout: float | None) -> Any:
        """Make one call, and block until it is answered or, where it is one-way, has left.

        The request's handles are moved, whatever happens; the answer's are the caller's.
        Raises: IpcError, which says what was called.
        """
        try:
            if isinstance(method, OneWay):
                return self._send(method, request)
            return self._ask(method, request, timeout)
        except IpcError as error:
            if isinstance(error, DomainError):
                what = to_json(cast("Any", error).error, [])
                raise IpcError(f"{method.selector}: {what}", error.status) from error
            raise self._explained(error) from error

    def _ask(self, method: Method[Any, Any], request: Any, timeout: float | None) -> Any:
        try:
            call = self._client.begin(method, request, timeout)
        except (LocalProtocolError, BadHandle):
            method.request.discard(request)
            raise
        try:
            self._port.run_until(call.waiter)
        except BaseException:
            self._client.give_up(call)
            raise
        return self._client.result(call)

    def _send(self, method: OneWay[Any], request: Any) -> None:
        try:
            sending = self._client.send(method, request)
        except (LocalProtocolError, BadHandle):
            method.request.discard(request)
            raise
        if sending is None:
            return
        try:
            self._port.run_until(sending.waiter)
        finally:
            self._client.withdraw(sending)

    def _explained(self, error: IpcError) -> IpcError:
        """Say what the locator's and the service's refusals mean."""
        if isinstance(error, AccessDenied):
            return AccessDenied(f"{self._name}: policy does not let this user open it")
        if isinstance(error, NotFound):
            return NotFound(f"{self._name}: nobody serves it; see `ipcrt list`")
        return error

    def close(self) -> None:
        """Close the channel; idempotent."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
