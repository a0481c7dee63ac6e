"""Serve a tear-off iterator: a protocol whose one method answers pages, from a Python iterator.

    closed protocol Iterator {
        strict Get() -> (struct { entries vector<Key>:10; });
    };

    def iterate(self, iterator: ServerEnd[Iterator]) -> None:
        serve_pages(iterator, Iterator, sorted(self._keys), self._port)

1. The client makes both ends, and may ask for pages before its request has been heard.
2. The client asks for each page: what it does not ask for is not made.
3. An empty page says that there are no more; then the channel closes. A client that has had
   enough closes its end: the walk ends there, a generator at its `yield`.
Source: FIDL API Rubric, "Paginating reads"; "the server can reply with an empty vector and then
close the iterator when done".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ipcrt.bindings.ends import P, ServerEnd
from ipcrt.bindings.pages import Pages
from ipcrt.bindings.server import Limits, Server, ServerBinding
from ipcrt.bindings.tables import Kind, ProtocolTable, TwoWay
from ipcrt.errors import IpcError
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port


class PageServer(Server[Any]):
    """One walk for one client. `serve_pages` makes it; PROTOCOL is the walk's own."""

    def __init__(self, pages: Pages[Any], method: TwoWay[Any, Any], port: Port) -> None:
        self._pages = pages
        self._method = method
        self._port = port
        self._binding: ServerBinding[Any] | None = None

    def client_came(self, binding: ServerBinding[Any]) -> None:
        self._binding = binding

    def client_gone(self, reason: IpcError) -> None:
        del reason
        self._pages.close()

    def page(self) -> Any:
        """Answer the next page; after the last one the channel closes, but not before it left."""
        response = self._method.response.type(self._pages.next())
        if self._pages.done:
            key = self._port.new_key()
            self._port.bind(key, self._end)
            self._port.queue(Packet(key))
        return response

    def _end(self, packet: Packet) -> None:
        """Close, unless the page waits for room: then the client that does not read may close."""
        self._port.unbind(packet.key)
        binding = self._binding
        if binding is not None and not binding.statistics()["backlog"]:
            binding.close()


def serve_pages(
    end: ServerEnd[P],
    protocol: type[P],
    items: Iterable[Any],
    port: Port,
    limits: Limits | None = None,
) -> ServerBinding[P]:
    """Move `end` here, and serve `items` on it until they end or either side closes.

    Raises: TypeError: `protocol` is no iterator; then the end stays. BadState.
    """
    method = _method_of(protocol.TABLE)
    pages = Pages[Any](method, items)
    walk = type(f"{protocol.__name__}Pages", (PageServer,), {"PROTOCOL": protocol})
    server: PageServer = walk(pages, method, port)
    setattr(server, method.name, server.page)
    try:
        return ServerBinding(end, server, port, limits)
    except BaseException:
        pages.close()
        raise


def _method_of(table: ProtocolTable) -> TwoWay[Any, Any]:
    """Answer an iterator's one method, which asks for the next page."""
    methods = list(table.requests.values())
    if len(methods) == 1 and methods[0].KIND is Kind.TWO_WAY:
        method = methods[0]
        if isinstance(method, TwoWay) and method.request.type is type(None):
            return method
    raise TypeError(f"{table.name} is no iterator: it has not one call without arguments")
