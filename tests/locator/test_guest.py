from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.errors import NotFound
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.limits import Quota, Quotas
from ipcrt.locator.locator import LocatorService
from ipcrt.locator.policy import Namespace, Policy
from ipcrt.locator.protocol import Identity, Locator
from ipcrt.locator.session import Session
from ipcrt.objects.process import Process
from ipcrt.port.aport import open_port

pytestmark = pytest.mark.anyio
WHO = Credentials(os.getpid(), 1000, 100, frozenset({100}))


@asynccontextmanager
async def opened() -> AsyncGenerator[LocatorService, None]:
    async with open_port() as port:
        service = LocatorService(port, Policy())
        try:
            yield service
        finally:
            service.close()


async def test_who_it_is_and_what_it_may_hold() -> None:
    async with opened() as service:
        quotas = Quotas(client=Quota(calls=3), uid=Quota(fds=9))
        guest = Session(service, WHO, Namespace((), ()), quotas=quotas)
        assert guest.identity == Identity(os.getpid(), 1000, 100)
        assert str(guest) == f"client pid {os.getpid()} uid 1000"
        assert guest.share.client_bounds.calls == 3
        assert guest.share.uid_bounds.fds == 9
        assert guest.share.uid_bounds.calls == service.limits.calls_per_uid
        assert guest.descriptors() == []
        with pytest.raises(NotFound, match="is not served"):
            guest.process()
        guest.end()  # which has nothing to close
        guest.release()


async def test_its_process_is_its_channels_or_the_one_it_was_given() -> None:
    async with opened() as service:
        client, server = create_endpoints(Locator)
        with client, Process.open(os.getpid()) as ourselves:
            served = Session(service, WHO, Namespace((), ()))
            assert service.admit(server, served)
            given = Session(service, WHO, Namespace((), ()), Process.open(os.getpid()))
            assert len(given.descriptors()) == 1
            for guest in (served, given):
                with guest.process() as process:
                    assert process.koid == ourselves.koid
            given.release()
            served.end()
            assert not service.statistics()["clients"]
