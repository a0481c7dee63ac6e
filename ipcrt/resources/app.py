"""ResourceApp: a server in a few lines.

    app = ResourceApp("files")

    @app.open("file:///{path:path}")
    async def open_file(request: OpenRequest, path: str) -> Session:
        file = open_beneath(root, path)     # what this raises aborts the call

        async def serve(data: DataChannel) -> None:
            with file:
                while part := file.read(65516):
                    await data.send_stream(part)    # what this raises is told by an Error

        return serve

    async with open_port() as port:
        await app.serve(port, channel)

The handlers are `def` or `async def`; what they share with their server is in `serving`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

from ipcrt.bindings.server import ServerBinding
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort
from ipcrt.resources.listening import ListenServer
from ipcrt.resources.messages import Control
from ipcrt.resources.routes import Handler, Routes
from ipcrt.resources.serving import ControlServer, ResourceLimits

H = TypeVar("H", bound=Handler)


class ResourceApp:
    """What is served, whoever the clients are; may be served on several ports."""

    def __init__(self, name: str = "resources", limits: ResourceLimits | None = None) -> None:
        """`name` is for the log; `limits` are each client's."""
        self._name = name
        self._limits = limits or ResourceLimits()
        self._routes = Routes()

    def open(self, template: str) -> Callable[[H], H]:
        """Have a function open the URIs that match: it answers a session or a handle.

        It is called with an `OpenRequest` and, by name, the template's parameters (see `uri`). A
        session is a coroutine function that is given the server's end of a new data channel; a
        handle is moved to the client, as the end of a data channel or as what it is.
        """

        def add(handler: H) -> H:
            self._routes.add("open", template, handler)
            return handler

        return add

    def invoke(self, template: str | None, method: str) -> Callable[[H], H]:
        """Have a function answer the method of the URIs that match, or of the server itself.

        It is called as with `open`, with an `InvokeRequest`, and answers bytes, 1 MiB at most.
        """

        def add(handler: H) -> H:
            if template is None:
                self._routes.add_own_method(method, handler)
            else:
                self._routes.add_method(template, method, handler)
            return handler

        return add

    def pipe(self, template: str) -> Callable[[H], H]:
        """Have a function write the data of the URIs that match.

        It is called as with `open`, with a `PipeRequest`, and answers how many bytes it has
        written; None: those of `request.sender`. Where no function matches, the URI is opened and
        its data copied message by message.
        """

        def add(handler: H) -> H:
            self._routes.add("pipe", template, handler)
            return handler

        return add

    def bind(self, port: AsyncPort, channel: Channel) -> ServerBinding[Control]:
        """Move the server's end of a control channel here, and serve it until either side closes.

        Raises: BadHandle, BadState.
        """
        return ControlServer(self._name, self._routes, port, self._limits).serve(channel)

    async def serve(self, port: AsyncPort, channel: Channel) -> None:
        """Serve one control channel until the client closes it."""
        with self.bind(port, channel) as binding:
            await binding.wait_closed()

    async def listen(self, port: AsyncPort, channel: Channel, max_clients: int = 64) -> None:
        """Serve all who come by a listen channel, until it is closed, and they have gone.

        One who comes while `max_clients` are here is closed with NO_RESOURCES. Where this is
        cancelled, all of them are closed.
        """
        server = ListenServer(lambda control: self.bind(port, control), max_clients, self._name)
        with contextlib.closing(server):
            await server.run(port, channel)
