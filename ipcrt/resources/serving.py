"""Serving: what a server does with one control channel, or one listen channel.

1. Handlers start in the order of their messages, as the bindings start them. What one client may
   have in flight is limited: at the limit nothing more is read from it.
2. A handler's exception ends its call with Abort, or its data channel with Error, and nothing else.
   Only a status crosses the wire; what is a defect is logged with its traceback.
3. When the client's control channel closes, its calls are cancelled. Data channels go on until they
   are closed themselves: they may have been moved to somebody else.
4. A client that breaks the contract (also: uses the id of a call in flight again) loses its control
   channel, and nobody else notices.
"""

from __future__ import annotations

import dataclasses
import inspect
import logging
from typing import Any, Final

from ipcrt.bindings.discard import close_handles
from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.misuse import Misuse
from ipcrt.bindings.server import Limits, Server, ServerBinding
from ipcrt.bindings.tables import Event
from ipcrt.errors import InvalidArgs, IpcError, NoResources, NotSupported, PeerClosed
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.resources.codes import code_of
from ipcrt.resources.data import DataChannel
from ipcrt.resources.limits import MAX_ARGS_BYTES
from ipcrt.resources.messages import (
    ABORT,
    INVOKE_REPLY,
    OPEN_REPLY,
    PIPE_REPLY,
    Abort,
    Control,
    FramedData,
    InvokeReply,
    OpenReply,
    PipeReply,
)
from ipcrt.resources.requests import InvokeRequest, OpenRequest, PipeRequest, Request, Session
from ipcrt.resources.routes import Found, Routes
from ipcrt.resources.sessions import Served, log_failure
from ipcrt.resources.uri import split_method

_log: Final = logging.getLogger("ipcrt.resources")
_MESSAGE_BYTES: Final = MAX_ARGS_BYTES + (64 << 10)
"""The longest message of a control channel: an Invoke and what surrounds its args."""


@dataclasses.dataclass(frozen=True, slots=True)
class ResourceLimits:
    """What one client may claim of a server."""

    calls_in_flight: int = 64
    """Calls without a reply; more wait unread. One at least."""

    data_channels: int = 256
    """Data channels that sessions of ours serve; Open beyond them is aborted."""

    def __post_init__(self) -> None:
        """Raises: InvalidArgs: less than one call."""
        if self.calls_in_flight < 1:
            raise InvalidArgs(f"a limit of {self.calls_in_flight} calls would never read any")


class ControlBinding(ServerBinding[Control]):
    """One client's control channel, served."""

    __slots__ = ()

    def _cancel(self, *, one_way: bool = False) -> None:
        """Cancel all handlers (rule 3): no message here is two-way, and all are calls."""
        del one_way
        super()._cancel(one_way=True)


class ControlServer(Server[Control]):
    """Takes one client's calls to their handlers, and the answers back."""

    PROTOCOL = Control

    def __init__(self, name: str, routes: Routes, port: AsyncPort, limits: ResourceLimits) -> None:
        self._name = name
        self._routes = routes
        self._port = port
        self._limits = limits
        self._calls: set[int] = set()
        self._sessions = 0
        self._binding: ServerBinding[Control] | None = None

    def __str__(self) -> str:
        return self._name

    def client_came(self, binding: ServerBinding[Control]) -> None:
        self._binding = binding

    def client_gone(self, reason: IpcError) -> None:
        _log.info("%s: the client has gone: %s", self._name, reason)

    def serve(self, channel: Channel) -> ControlBinding:
        """Move `channel` here and serve it. Raises: BadHandle, BadState."""
        limits = Limits(self._limits.calls_in_flight, _MESSAGE_BYTES)
        return ControlBinding(ServerEnd[Control](channel), self, self._port, limits)

    def statistics(self) -> dict[str, int]:
        """Count calls without a reply, and data channels that are served."""
        return {"calls": len(self._calls), "data_channels": self._sessions}

    # ---- the three calls

    async def open(self, call_id: int, uri: str) -> None:
        """Handle an Open."""
        self._begin(call_id)
        served: Served | None = None
        try:
            opened = await self._ask(self._routes.open(uri), OpenRequest(uri, self._port))
            if isinstance(opened, Handle):
                handle = opened
            else:
                handle, served = self._prepare(opened, f"{self._name}: {uri!r:.80}")
        except Exception as error:  # noqa: BLE001  (rule 2)
            await self._abort(call_id, f"open {uri!r:.80}", error)
            return
        finally:
            self._calls.discard(call_id)
        try:
            replied = await self._reply(OPEN_REPLY, OpenReply(call_id, handle))
        except BaseException:
            _close(served)
            raise
        if served is not None and replied:
            served.start()
        else:
            _close(served)

    async def invoke(self, call_id: int, method: str, args: bytes) -> None:
        """Handle an Invoke."""
        self._begin(call_id)
        try:
            uri, name = split_method(method)
            request = InvokeRequest(uri or "", self._port, name, args)
            answer = await self._ask(self._routes.invoke(uri, name), request)
            reply = InvokeReply(call_id, b"" if answer is None else answer)
            INVOKE_REPLY.request.encode(reply)  # what is no answer is the handler's failure
        except Exception as error:  # noqa: BLE001  (rule 2)
            await self._abort(call_id, f"invoke {method!r:.80}", error)
            return
        finally:
            self._calls.discard(call_id)
        await self._reply(INVOKE_REPLY, reply)

    async def pipe(self, call_id: int, uri: str, write_to: Handle) -> None:
        """Handle a Pipe."""
        self._begin(call_id)
        with PipeRequest(uri, self._port, write_to) as request:
            try:
                found = self._routes.pipe(uri)
                if found is None:
                    written: object = await self._copy(uri, request)
                else:
                    written = await self._ask(found, request)
                reply = PipeReply(call_id, _count(written, request))
            except Exception as error:  # noqa: BLE001  (rule 2)
                request.close()  # so that the reply is the last that is heard of it
                await self._abort(call_id, f"pipe {uri!r:.80}", error)
                return
            finally:
                self._calls.discard(call_id)
        await self._reply(PIPE_REPLY, reply)

    async def _copy(self, uri: str, request: PipeRequest) -> int:
        """Open a resource that has no pipe of its own, and write what comes to `write_to`."""
        sender = request.sender
        opened = await self._ask(self._routes.open(uri), OpenRequest(uri, self._port))
        if isinstance(opened, Handle):
            handle = opened
        else:
            handle, served = self._prepare(opened, f"{self._name}: {uri!r:.80}")
            served.start()
        if not isinstance(handle, Channel):
            handle.close()
            raise NotSupported(f"{uri!r:.80} is no data channel, and has no pipe of its own")
        async with DataChannel(handle, self._port) as data:
            async for message in data:
                if isinstance(message, FramedData):
                    await sender.send_frame(message.data)
                else:
                    await sender.send_stream(message.data)
        return sender.sent_bytes

    # ---- calls and their answers

    def _begin(self, call_id: int) -> None:
        if call_id in self._calls:
            raise Misuse(f"call {call_id} is in flight already")
        self._calls.add(call_id)

    async def _ask(self, found: Found, request: Request) -> Any:
        """Have a handler answer."""
        handler, parameters = found
        answer = handler(request, **parameters)
        return await answer if inspect.isawaitable(answer) else answer

    def _prepare(self, serve: Session, name: str) -> tuple[Channel, Served]:
        """Make a data channel for a session: the client's end, and what is to be started."""
        if not callable(serve):
            raise TypeError(f"an open handler answered {serve!r:.40}, no session and no handle")
        most = self._limits.data_channels
        if self._sessions >= most:
            raise NoResources(f"{self._sessions} data channels are open; {most} a client")
        near, far = Channel.create()
        served = Served(far, self._port, serve, name, self._session_ended)
        self._sessions += 1
        return near, served

    def _session_ended(self) -> None:
        self._sessions -= 1

    async def _abort(self, call_id: int, what: str, error: Exception) -> None:
        """End a call with the code of what its handler has raised."""
        if isinstance(error, Misuse):
            raise error
        log_failure(f"{self._name}: {what}", error)
        await self._reply(ABORT, Abort(call_id, code_of(error)))

    async def _reply(self, event: Event[Any], payload: Any) -> bool:
        """Send a reply, whose handle is moved; False: nobody is there to take it."""
        assert self._binding is not None
        try:
            await self._binding.send_event_wait(event, payload)
        except PeerClosed:
            close_handles(payload)
            return False
        except BaseException:
            close_handles(payload)
            raise
        return True


def _close(served: Served | None) -> None:
    if served is not None:
        served.close()


def _count(written: object, request: PipeRequest) -> int:
    """Answer how many bytes a pipe handler has written; None: those that went by its sender."""
    if written is None:
        return request.sent_bytes
    if type(written) is not int or written < 0:
        raise TypeError(f"a pipe handler answered {written!r:.40}, no number of bytes")
    return written
