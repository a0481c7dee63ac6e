"""Session: one client of the locator, served within its namespace."""

from __future__ import annotations

import contextlib
import logging
import re
from typing import Any, Final

from ipcrt.bindings.ends import ClientEnd, ServerEnd
from ipcrt.errors import IpcError, NoResources, NotFound, ShouldWait, Status, Unavailable
from ipcrt.locator.connector import NAME as OWN_NAME
from ipcrt.locator.guest import Guest
from ipcrt.locator.limits import Resource
from ipcrt.locator.own_connector import OwnConnector
from ipcrt.locator.protocol import (
    HandOverError,
    HandOverFailed,
    Locator,
    LocatorGetEntriesResponse,
    LocatorGetIdentityResponse,
    LocatorGetTreeResponse,
    LocatorGetTreesResponse,
    LocatorGetUsageResponse,
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

_log: Final = logging.getLogger("ipcrt.locator")
_NAME: Final = re.compile(r"[^\s/]+(/[^\s/]+)+")
"""What may be registered: "library/Protocol", or more parts."""

_FDS_OF_WAITING: Final = 2
"""An end that waits for its service, and the client's process."""

_FDS_OF_REGISTRATION: Final = 2
"""An outgoing directory, and the service's process."""


class Session(Guest, LocatorServer):
    """What one client may do, and who it is."""

    def open(self, name: str, server_end: Channel) -> None:
        with server_end:
            if not self.namespace.may_open(name):
                _log.warning("%s: policy does not grant %r", self, name)
                refuse(server_end, Status.ACCESS_DENIED)
                return
            if name == OWN_NAME:
                self._serve_connector(server_end)
                return
            registration = self._service.registry.find(name)
            if registration is None:
                refuse(server_end, Status.NOT_FOUND)
                return
            self._pass_on(registration, name, server_end)

    def _serve_connector(self, server_end: Channel) -> None:
        """Serve a connector of our own, for as long as the client's process is there."""
        try:
            process = self.process()
        except IpcError:
            refuse(server_end, Status.NO_RESOURCES)
            return
        connector = OwnConnector(self._service, self, process)
        if self._service.admit(ServerEnd[Any](server_end), connector):
            self._service.end_with(process, connector.end)

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
                    self.share.hold(Resource.CALLS)
                    self.share.hold(Resource.FDS, _FDS_OF_WAITING)
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
        self.share.check(Resource.CALLS)
        self.share.check(Resource.FDS, _FDS_OF_WAITING)
        if not self._service.has_waiting_room(server_end.fileno(), process.fileno()):
            raise NoResources("no descriptors to wait with")

    def _passed(self, error: IpcError | None) -> None:
        """An end that waited has left, or its service has gone."""
        del error
        self._waiting -= 1
        self.share.give_back(Resource.CALLS)
        self.share.give_back(Resource.FDS, _FDS_OF_WAITING)

    def get_entries(self) -> LocatorGetEntriesResponse:
        self._answering()
        return self._service.registry.listing(self.namespace)

    def register(self, names: list[str], outgoing: ClientEnd[Outgoing]) -> None:
        self._answering()
        offered = tuple(dict.fromkeys(names))
        service = self._service
        with outgoing:
            self._check_names(offered)
            self._check_fds(_FDS_OF_REGISTRATION, RegisterFailed(RegisterError.TOO_MANY))
            try:
                process = self.process()
            except IpcError:
                raise RegisterFailed(RegisterError.TOO_MANY) from None
            with process:
                if not service.has_room(outgoing.channel.fileno(), process.fileno()):
                    raise RegisterFailed(RegisterError.TOO_MANY)
                self.offer(offered, outgoing, process)
        _log.info("%s offers %s", self, ", ".join(offered))

    def offer(
        self, names: tuple[str, ...], outgoing: ClientEnd[Outgoing], process: Process
    ) -> None:
        """Offer names until the service, or its process, ends; both are moved.

        The caller has checked that the names are free, and that all limits hold.
        """
        service = self._service
        proxy = OutgoingProxy(outgoing, service.port)
        kept = Process(process.take(), process.rights)
        registration = Registration(names, proxy, self.who.uid, kept, self, self.share)
        registration.fds = _FDS_OF_REGISTRATION
        self.share.hold(Resource.FDS, registration.fds)
        service.registry.add(registration)
        service.end_with(kept, lambda: service.registry.remove(registration))

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
            if name == OWN_NAME or registry.find(name) is not None:
                raise RegisterFailed(RegisterError.ALREADY_REGISTERED)
        if not registry.has_room(names, self.who.uid, self._service.limits.names_per_uid):
            raise RegisterFailed(RegisterError.TOO_MANY)

    def hand_over(self, end: ServerEnd[Locator]) -> None:
        self._answering()
        with end:
            try:
                self._service.admit_another(end, self)
            except Unavailable:
                raise HandOverFailed(HandOverError.SHUTTING_DOWN) from None
            except IpcError:
                raise HandOverFailed(HandOverError.TOO_MANY_CLIENTS) from None

    def get_identity(self) -> LocatorGetIdentityResponse:
        self._answering()
        return LocatorGetIdentityResponse(self.identity)

    def publish(self, service: str, name: str, vmo: Vmo) -> None:
        self._answering()
        with vmo:
            registration = self._service.registry.find(service)
            if registration is None or registration.session is not self:
                raise PublishFailed(PublishError.NOT_REGISTERED)
            if not self._service.has_room(vmo.fileno()):
                raise PublishFailed(PublishError.TOO_MANY)
            keeper = self._service.keeper
            added = 0 if keeper.has(registration, service, name) else 1
            self._check_fds(added, PublishFailed(PublishError.TOO_MANY))
            keeper.publish(registration, service, name, self.identity, vmo)
            registration.fds += added
            self.share.hold(Resource.FDS, added)

    def get_trees(self, after: int) -> LocatorGetTreesResponse:
        self._answering()
        self._service.registry.sweep()
        listing = self._service.keeper.listing(self.identity, self.namespace, after)
        return LocatorGetTreesResponse(listing)

    def get_tree(self, number: int) -> LocatorGetTreeResponse:
        self._answering()
        vmo = self._service.keeper.find(self.identity, self.namespace, number)
        if vmo is None:
            raise TreeFailed(TreeError.NOT_FOUND)
        try:
            return LocatorGetTreeResponse(vmo.duplicate())
        except NoResources:
            raise TreeFailed(TreeError.NO_RESOURCES) from None

    def get_usage(self) -> LocatorGetUsageResponse:
        self._answering()
        return LocatorGetUsageResponse(self._service.usages_of(self))

    def _answering(self) -> None:
        """Have what is queued for the client looked at when it has been answered."""
        self._service.queues.answering(self)

    def _check_fds(self, count: int, refusal: IpcError) -> None:
        """Raises: `refusal`: so many more descriptors would exceed a limit; the log says which."""
        try:
            self.share.check(Resource.FDS, count)
        except NoResources as error:
            _log.warning("%s is refused: %s", self, error)
            raise refusal from None


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
