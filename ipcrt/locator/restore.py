"""Restore: take up what a predecessor has put away (see `put_away`).

1. Every descriptor is looked at: its kind, and its koid, by which the record tells of it.
2. Who an accepted client is, the kernel is asked anew. What a client may do, today's policy says;
   limits are today's, too.
3. Whose process has ended meanwhile, or who may not be here any more, is closed. So is whatever
   the record does not tell of: with the epitaph UNAVAILABLE, where it is a channel.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from ipcrt.bindings.ends import ClientEnd, ServerEnd
from ipcrt.errors import (
    AccessDenied,
    AlreadyExists,
    IpcError,
    NoResources,
    NotFound,
    Status,
)
from ipcrt.locator.credentials import Credentials, cgroup_of, unit_of
from ipcrt.locator.fd_store import KEPT, STATE
from ipcrt.locator.guest import Guest
from ipcrt.locator.kept import KeptClient, KeptService, KeptTree, Record
from ipcrt.locator.limits import Resource
from ipcrt.locator.locator import LocatorService
from ipcrt.locator.own_connector import OwnConnector
from ipcrt.locator.policy import Grant, Policy
from ipcrt.locator.policy_subject import Subject
from ipcrt.locator.protocol import Identity, Outgoing, PublishFailed
from ipcrt.locator.session import Session, refuse
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.process import Process
from ipcrt.objects.vmo import Vmo

_log: Final = logging.getLogger("ipcrt.locator")
NoteT = TypeVar("NoteT", KeptClient, KeptService, KeptTree)

STORED_NAMES: Final = frozenset((KEPT, STATE))


def restore(locator: LocatorService, stored: Sequence[tuple[str, Handle]]) -> None:
    """Serve again whom a predecessor has served; owns all descriptors, whatever comes of them."""
    kept = [handle for name, handle in stored if name == KEPT]
    states = [handle for name, handle in stored if name == STATE]
    restoring = _Restoring(locator, kept)
    try:
        for state in states:
            try:
                restoring.take_up(Record.from_handle(state))
            except IpcError as error:
                _log.error("cannot tell what was kept: %s", error)
        restoring.refuse_the_rest()
    finally:
        restoring.close()
        close_all(handle for _, handle in stored)


class _Restoring:
    """Takes up one record; closes what it moves, and borrows the rest."""

    def __init__(self, locator: LocatorService, kept: Sequence[Handle]) -> None:
        self._locator = locator
        self._kept: dict[int, Handle] = {}
        for handle in kept:
            with contextlib.suppress(IpcError):  # it is no object that we know
                self._kept[handle.koid] = handle
        self._clients: dict[int, Guest] = {}

    def take_up(self, record: Record) -> None:
        """Take up clients first, since services refer to them, and trees to services."""
        for client in record.clients:
            self._attempt("a client", self._client, client)
        for service in record.services:
            self._attempt(f"the service of {service.names}", self._service, service)
        for tree in record.trees:
            self._attempt(f"a tree of {tree.service}", self._tree, tree)
        _log.info(
            "took up %d of %d clients, %s",
            len(self._clients),
            len(record.clients),
            self._locator.statistics(),
        )

    def _attempt(self, what: str, take_up: Callable[[NoteT], None], note: NoteT) -> None:
        try:
            take_up(note)
        except (IpcError, OSError) as error:
            _log.warning("%s cannot be taken up: %s", what, error)

    def _channel(self, koid: int) -> Channel:
        """Take a kept channel; the caller owns it. Raises: NotFound. WrongType."""
        handle = self._kept.get(koid)
        if handle is None or handle.closed:
            raise NotFound("its channel was not kept")
        return Channel.from_handle(handle)

    # ---- clients

    def _client(self, note: KeptClient) -> None:
        with self._channel(note.koid) as channel:
            guest: Guest | None
            if note.who is None:
                guest = self._locator.take_in(channel)
            else:
                guest = self._another(channel, note.who.credentials(), note)
        if guest is not None:
            self._clients[note.koid] = guest

    def _another(self, channel: Channel, who: Credentials, note: KeptClient) -> Guest | None:
        """Take up a client's further channel, whose peer need not be the client (rule 3)."""
        if note.process is None:
            raise NotFound("its process was not written down")
        locator = self._locator
        with ServerEnd[Any](channel) as end, note.process.open() as process:
            grant = _grant(locator.policy, who, process)
            kept = Process(process.take(), process.rights)
            guest: Guest
            if note.connects:
                client = Session(locator, who, grant.namespace, quotas=grant.quotas)
                guest = OwnConnector(locator, client, kept)
            else:
                guest = Session(locator, who, grant.namespace, kept, grant.quotas)
            if not locator.admit(end, guest):
                return None
        locator.end_with(kept, guest.end)
        return guest

    # ---- services

    def _service(self, note: KeptService) -> None:
        locator, who = self._locator, note.who.credentials()
        with self._channel(note.koid) as channel, note.process.open() as process:
            session = self._clients.get(note.client)
            if not isinstance(session, Session):  # it had closed its own channel
                grant = _grant(locator.policy, who, process)
                session = Session(locator, who, grant.namespace, quotas=grant.quotas)
            self._check_names(note.names, session)
            session.offer(tuple(note.names), ClientEnd[Outgoing](channel), process)

    def _check_names(self, names: Sequence[str], session: Session) -> None:
        """Raises: AccessDenied: policy has changed. AlreadyExists. NoResources."""
        registry, limits = self._locator.registry, self._locator.limits
        for name in names:
            if not session.namespace.may_register(name):
                raise AccessDenied(f"policy does not let it offer {name!r}")
            if registry.find(name) is not None:
                raise AlreadyExists(f"{name!r} is offered already")
        if not registry.has_room(names, session.who.uid, limits.names_per_uid):
            raise NoResources(f"{limits.names_per_uid} names of uid {session.who.uid}, the limit")

    # ---- trees

    def _tree(self, note: KeptTree) -> None:
        """Keep a tree again, under a new number; one whose service has gone, for a while."""
        handle = self._kept.get(note.koid)
        if handle is None:
            raise NotFound("it was not kept")
        if not isinstance(handle, Vmo):
            handle = self._kept[note.koid] = Vmo.from_handle(handle)
        keeper = self._locator.keeper
        registration = self._locator.registry.find(note.service) if note.alive else None
        owner: object = registration or note
        try:
            keeper.publish(owner, note.service, note.name, Identity(*note.publisher), handle)
        except PublishFailed as error:
            raise NoResources(str(error)) from error
        if registration is None:
            keeper.ended(owner)
        elif registration.share is not None:
            registration.fds += 1
            registration.share.hold(Resource.FDS)

    # ---- the rest

    def refuse_the_rest(self) -> None:
        """Turn away whom nothing is known of."""
        for handle in self._kept.values():
            with contextlib.suppress(IpcError):  # no channel, or taken up
                refuse(Channel.from_handle(handle), Status.UNAVAILABLE)

    def close(self) -> None:
        """Close what was kept, but what is served again. Idempotent."""
        close_all(self._kept.values())


def _grant(policy: Policy, who: Credentials, process: Process) -> Grant:
    """Answer what policy grants to a process that the kernel named before.

    Its cgroup is its own: the process is there when it has been read.
    """
    cgroup: str | None = None
    with contextlib.suppress(OSError):
        cgroup = cgroup_of(who.pid)
    if cgroup is None or process.is_terminated():
        return policy.judge(Subject(who))
    return policy.judge(Subject(who, unit_of(cgroup), cgroup))
