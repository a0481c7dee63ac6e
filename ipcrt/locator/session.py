"""Session: one client of the locator, served within its namespace."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ipcrt.bindings.ends import ClientEnd, ServerEnd
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import IpcError, NoResources, NotFound, ShouldWait, Status
from ipcrt.locator.credentials import Credentials, peer_process
from ipcrt.locator.lifetime import when_ended
from ipcrt.locator.policy import Namespace
from ipcrt.locator.protocol import (
    HandOverError,
    HandOverFailed,
    Identity,
    Locator,
    LocatorGetEntriesResponse,
    LocatorGetIdentityResponse,
    LocatorGetTreeResponse,
    LocatorGetTreesResponse,
    LocatorServer,
    Outgoing,
    OutgoingProxy,
    PublishError,
    PublishFailed,
    RegisterError,
    RegisterFailed,
    TreeError,
    TreeFailed,
)
from ipcrt.locator.registry import Registration
from ipcrt.objects._fd import duplicate_fd
from ipcrt.objects.channel import Channel
from ipcrt.objects.process import Process
from ipcrt.objects.vmo import Vmo
from ipcrt.wire.epitaph import encode_epitaph

if TYPE_CHECKING:
    from ipcrt.locator.locator import LocatorService

_log: Final = logging.getLogger("ipcrt.locator")
_NAME: Final = re.compile(r"[^\s/]+(/[^\s/]+)+")
"""What may be registered: "library/Protocol", or more parts."""


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
        self.identity = Identity(who.pid, who.uid, who.gid)
        self.namespace = namespace
        self.binding: ServerBinding[Locator] | None = None
        self._waiting = 0

    def process(self) -> Process:
        """Open the client's process; the caller owns the answer.

        Raises: NotFound: it has ended. NoResources: no descriptor is free.
        """
        if self._process is not None:
            return self._process.duplicate()
        if self.binding is None:
            raise NotFound(f"{self} is not served")
        return peer_process(self.binding.channel)

    def descriptors(self) -> list[int]:
        """Lend the numbers of what is kept for the client beside its channel."""
        return [] if self._process is None else [self._process.fileno()]

    def end(self) -> None:
        """Close the client's channel."""
        if self.binding is not None:
            self.binding.close()

    def release(self) -> None:
        """Close what is kept for the client."""
        self.binding = None
        if self._process is not None:
            self._process.close()

    def __str__(self) -> str:
        return f"client pid {self.who.pid} uid {self.who.uid}"

    def open(self, name: str, server_end: Channel) -> None:
        with server_end:
            if not self.namespace.may_open(name):
                _log.warning("%s: policy does not grant %r", self, name)
                refuse(server_end, Status.ACCESS_DENIED)
                return
            registration = self._service.registry.find(name)
            if registration is None:
                refuse(server_end, Status.NOT_FOUND)
                return
            self._pass_on(registration, name, server_end)

    def _pass_on(self, registration: Registration, name: str, server_end: Channel) -> None:
        """Move the end to the service, which may have no room for it just now."""
        with contextlib.ExitStack() as stack:
            last_word = server_end
            try:
                process = stack.enter_context(self.process())
                last_word = stack.enter_context(_spare(server_end))
                self._check_room(registration, server_end, process)
                outgoing = registration.outgoing
                if outgoing.open_soon(name, server_end, self.identity, process, self._passed):
                    self._waiting += 1
            except NotFound:  # the client has gone meanwhile
                return
            except IpcError as error:
                _log.warning("%s cannot open %r: %s", self, name, error)
                scarce = isinstance(error, NoResources)
                refuse(last_word, Status.NO_RESOURCES if scarce else Status.UNAVAILABLE)

    def _check_room(
        self, registration: Registration, server_end: Channel, process: Process
    ) -> None:
        """Let so many clients wait for a service, and so many ends of one client.

        Raises: ShouldWait. NoResources: these descriptors must not be kept for long.
        """
        waiting = registration.outgoing.statistics()["backlog"]
        if not waiting:
            return
        limits = self._service.limits
        if waiting >= limits.waiting_for_service:
            raise ShouldWait(f"{waiting} wait already, the limit")
        if self._waiting >= limits.waiting_of_client:
            raise ShouldWait(f"{self._waiting} of its own wait already, the limit")
        if not self._service.has_waiting_room(server_end.fileno(), process.fileno()):
            raise NoResources("no descriptors to wait with")

    def _passed(self, error: IpcError | None) -> None:
        """An end that waited has left, or its service has gone."""
        del error
        self._waiting -= 1

    def get_entries(self) -> LocatorGetEntriesResponse:
        return self._service.registry.listing(self.namespace)

    def register(self, names: list[str], outgoing: ClientEnd[Outgoing]) -> None:
        offered = tuple(dict.fromkeys(names))
        service = self._service
        with outgoing:
            self._check_names(offered)
            try:
                process = self.process()
            except IpcError:
                raise RegisterFailed(RegisterError.TOO_MANY) from None
            with process:
                if not service.has_room(outgoing.channel.fileno(), process.fileno()):
                    raise RegisterFailed(RegisterError.TOO_MANY)
                proxy = OutgoingProxy(outgoing, service.port)
                kept = Process(process.take(), process.rights)
        registration = Registration(offered, proxy, self.who.uid, kept, self)
        service.registry.add(registration)
        self._end_with(kept, lambda: service.registry.remove(registration))
        _log.info("%s offers %s", self, ", ".join(offered))

    def _check_names(self, names: tuple[str, ...]) -> None:
        registry = self._service.registry
        registry.sweep()
        if not names:
            raise RegisterFailed(RegisterError.INVALID_NAME)
        for name in names:
            if not (_NAME.fullmatch(name) and name.isprintable()):
                raise RegisterFailed(RegisterError.INVALID_NAME)
            if not self.namespace.may_register(name):
                _log.warning("%s: policy does not let it offer %r", self, name)
                raise RegisterFailed(RegisterError.ACCESS_DENIED)
            if registry.find(name) is not None:
                raise RegisterFailed(RegisterError.ALREADY_REGISTERED)
        if not registry.has_room(names, self.who.uid, self._service.limits.names_per_uid):
            raise RegisterFailed(RegisterError.TOO_MANY)

    def hand_over(self, end: ServerEnd[Locator]) -> None:
        with end:
            if self._service.stopping:
                raise HandOverFailed(HandOverError.SHUTTING_DOWN)
            try:
                process = self.process()
            except IpcError:
                raise HandOverFailed(HandOverError.TOO_MANY_CLIENTS) from None
            another = Session(self._service, self.who, self.namespace, process)
            if not self._service.admit(end, another):
                raise HandOverFailed(HandOverError.TOO_MANY_CLIENTS)
            self._end_with(process, another.end)

    def _end_with(self, process: Process, end: Callable[[], None]) -> None:
        """Call `end` with the process's end, or now where that cannot be watched for."""
        try:
            when_ended(self._service.port, process, end)
        except BaseException:
            end()
            raise

    def get_identity(self) -> LocatorGetIdentityResponse:
        return LocatorGetIdentityResponse(self.identity)

    def publish(self, service: str, name: str, vmo: Vmo) -> None:
        with vmo:
            registration = self._service.registry.find(service)
            if registration is None or registration.session is not self:
                raise PublishFailed(PublishError.NOT_REGISTERED)
            if not self._service.has_room(vmo.fileno()):
                raise PublishFailed(PublishError.TOO_MANY)
            self._service.keeper.publish(registration, service, name, self.identity, vmo)

    def get_trees(self, after: int) -> LocatorGetTreesResponse:
        self._service.registry.sweep()
        listing = self._service.keeper.listing(self.identity, self.namespace, after)
        return LocatorGetTreesResponse(listing)

    def get_tree(self, number: int) -> LocatorGetTreeResponse:
        vmo = self._service.keeper.find(self.identity, self.namespace, number)
        if vmo is None:
            raise TreeFailed(TreeError.NOT_FOUND)
        try:
            return LocatorGetTreeResponse(vmo.duplicate())
        except NoResources:
            raise TreeFailed(TreeError.NO_RESOURCES) from None

    def client_gone(self, reason: IpcError) -> None:
        self._service.forget(self, reason)


def refuse(channel: Channel, status: Status) -> None:
    """Close a channel that nobody serves, with an epitaph that tells why."""
    with channel:
        try:
            channel.write(encode_epitaph(status))
        except IpcError:
            return  # whoever made the other end has gone, or filled its own queue


def _spare(channel: Channel) -> Channel:
    """Answer a second descriptor of an end that is about to be moved, for a last word on it.

    Raises: NoResources.
    """
    return Channel(duplicate_fd(channel.fileno()))
