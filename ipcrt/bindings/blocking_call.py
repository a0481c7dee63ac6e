"""Blocking call: from its request to its result, for the thread that waits for it.

Where the extension is in use, a call goes by `ipcrt/_speedups/blocking.c`, which leaves to this
what is not usual: a port that another thread uses, a proxy that is busy.
"""

from __future__ import annotations

from typing import Any, Final, Protocol, TypeVar

from ipcrt._speedups.chosen import choose
from ipcrt.bindings.call import Call
from ipcrt.bindings.client import Client
from ipcrt.bindings.tables import TwoWay
from ipcrt.errors import BadState
from ipcrt.port.blocking import BlockingPort

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class CallAndWait(Protocol):
    """As `BlockingCaller.call`."""

    def __call__(
        self, method: TwoWay[RequestT, ResponseT], request: RequestT, timeout: float | None, /
    ) -> ResponseT: ...


class BlockingCaller:
    """Calls by a client whose port a plain thread serves."""

    __slots__ = ("_client", "_connection", "_port")

    def __init__(self, client: Client, port: BlockingPort) -> None:
        self._client = client
        self._connection = client.connection
        self._port = port

    def call(
        self, method: TwoWay[RequestT, ResponseT], request: RequestT, timeout: float | None, /
    ) -> ResponseT:
        """Call and block until the reply.

        Raises: as `Proxy._call`. BadState: inside this proxy's own listener, on another thread, or
        on that of an event loop; then nothing was sent. Canceled: interrupted.
        """
        client, connection = self._client, self._connection
        self._port.check_blocking()
        if connection.busy:
            refuse_inside()
        before, call = client.last_txid, None
        try:
            call = client.begin(method, request, timeout)
            self._port.finish(call.waiter, None, connection)
            return client.result(call)
        except BaseException:
            if call is not None:
                client.give_up(call)
            else:
                client.give_up_since(before)
            raise


def refuse_inside() -> None:
    """Raise BadState: a proxy is used inside its own listener."""
    raise BadState("a blocking call inside its own listener would never see its reply")


def _blocking_call(
    call: CallAndWait, client: Client, port: BlockingPort, kind: type[Call[Any]]
) -> CallAndWait:
    del client, port, kind
    return call


_make_call: Final = choose("blocking_call", _blocking_call)


def make_blocking_call(client: Client, port: BlockingPort) -> CallAndWait:
    """Answer what calls by `client` and waits on `port`, at the least cost."""
    return _make_call(BlockingCaller(client, port).call, client, port, Call)
