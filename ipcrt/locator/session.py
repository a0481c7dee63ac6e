"""Session: one client of the locator, served within its namespace."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from ipcrt.bindings.ends import ClientEnd, ServerEnd
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import IpcError, NotFound, ShouldWait, Status
from ipcrt.locator.credentials import Credentials, peer_process
from ipcrt.locator.policy import Namespace
from ipcrt.locator.protocol import (
    MAX_ENTRIES,
    Entry,
    HandOverError,
    HandOverFailed,
    Identity,
    Locator,
    LocatorGetEntriesResponse,
    LocatorGetIdentityResponse,
    LocatorServer,
    Outgoing,
    OutgoingProxy,
    RegisterError,
    RegisterFailed,
    State,
)
from ipcrt.locator.registry import Registration
from ipcrt.objects.channel import Channel
from ipcrt.objects.process import Process
from ipcrt.wire.epitaph import encode_epitaph

if TYPE_CHECKING:
    from ipcrt.locator.locator import LocatorService

_log: Final = logging.getLogger("ipcrt.locator")


class Session(LocatorServer):
    """What one client may do, and who it is."""

    def __init__(
        self,
        service: LocatorService,
        who: Credentials,
        namespace: Namespace,
        process: Process | None = None,
    ) -> None:
        """`process` is the client's, moved here, where its own channel does not tell it."""
        self._service = service
        self._process = process
        self.who = who
        self.namespace = namespace
        self.binding: ServerBinding[Locator] | None = None

    def process(self) -> Process:
        """Open the client's process; the caller owns the answer.

        Raises: NotFound: it has ended. NoResources: no descriptor is free.
        """
        if self._process is not None:
            return self._process.duplicate()
        if self.binding is None:
            raise NotFound(f"{self!r} is not served")
        return peer_process(self.binding.channel)

    def release(self) -> None:
        """Close what is kept for the client."""
        if self._process is not None:
            self._process.close()

    def __repr__(self) -> str:
        return f"client pid {self.who.pid} uid {self.who.uid}"

    def open(self, name: str, server_end: Channel) -> None:
        if not self.namespace.may_open(name):
            _log.warning("%r: policy does not grant %s", self, name)
            refuse(server_end, Status.ACCESS_DENIED)
            return
        registration = self._service.registry.find(name)
        if registration is None:
            refuse(server_end, Status.NOT_FOUND)
            return
        try:
            process = self.process()
        except NotFound:  # the client has gone meanwhile
            server_end.close()
            return
        except IpcError as error:
            _log.warning("%r: %s", self, error)
            refuse(server_end, Status.NO_RESOURCES)
            return
        self._pass_on(registration, name, server_end, process)

    def _pass_on(
        self, registration: Registration, name: str, server_end: Channel, process: Process
    ) -> None:
        identity = Identity(self.who.pid, self.who.uid, self.who.gid)
        try:
            registration.outgoing.open_now(name, server_end, identity, process)
        except (
            ShouldWait
        ):  # a stalled service must not grow our memory; the client sees its end close
            _log.warning("%s does not take its clients; %r is turned away", name, self)
        except IpcError as error:
            _log.warning("%s: %s; %r is turned away", name, error, self)

    def get_entries(self) -> LocatorGetEntriesResponse:
        names = [name for name in self._service.registry if self.namespace.may_open(name)]
        return LocatorGetEntriesResponse(
            [Entry(name, State.REGISTERED) for name in names[:MAX_ENTRIES]]
        )

    def register(self, names: list[str], outgoing: ClientEnd[Outgoing]) -> None:
        with outgoing:
            self._check_names(names)
            proxy = OutgoingProxy(outgoing, self._service.port)
        registration = Registration(tuple(dict.fromkeys(names)), proxy, self.who.uid)
        self._service.registry.add(registration)
        _log.info("%r offers %s", self, ", ".join(registration.names))

    def _check_names(self, names: list[str]) -> None:
        registry = self._service.registry
        for name in names:
            if not name or "/" not in name or not name.isprintable():
                raise RegisterFailed(RegisterError.INVALID_NAME)
            if not self.namespace.may_register(name):
                _log.warning("%r: policy does not let it offer %s", self, name)
                raise RegisterFailed(RegisterError.ACCESS_DENIED)
            if registry.find(name) is not None:
                raise RegisterFailed(RegisterError.ALREADY_REGISTERED)
        if len(registry) + len(names) > MAX_ENTRIES:
            raise RegisterFailed(RegisterError.TOO_MANY)

    def hand_over(self, end: ServerEnd[Locator]) -> None:
        with end:
            if self._service.stopping:
                raise HandOverFailed(HandOverError.SHUTTING_DOWN)
            try:
                process = self.process()
            except IpcError:
                raise HandOverFailed(HandOverError.TOO_MANY_CLIENTS) from None
            if not self._service.admit(
                end, Session(self._service, self.who, self.namespace, process)
            ):
                raise HandOverFailed(HandOverError.TOO_MANY_CLIENTS)

    def get_identity(self) -> LocatorGetIdentityResponse:
        return LocatorGetIdentityResponse(Identity(self.who.pid, self.who.uid, self.who.gid))

    def client_gone(self, reason: IpcError) -> None:
        self._service.forget(self, reason)


def refuse(channel: Channel, status: Status) -> None:
    """Close a channel that nobody serves, with an epitaph that tells why."""
    with channel:
        try:
            channel.write(encode_epitaph(status))
        except IpcError:
            return  # whoever made the other end has gone, or filled its own queue
