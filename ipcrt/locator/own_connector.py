"""The locator's own connector: ends of `Locator`, served as whom the connector's client is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcrt.bindings.ends import ServerEnd
from ipcrt.locator.connector import ConnectorFace
from ipcrt.locator.guest import Guest
from ipcrt.locator.protocol import Locator
from ipcrt.objects.channel import Channel
from ipcrt.objects.process import Process

if TYPE_CHECKING:
    from ipcrt.locator.locator import LocatorService


class OwnConnector(Guest, ConnectorFace):
    """A connector that one client of the locator has opened."""

    def __init__(self, service: LocatorService, client: Guest, process: Process) -> None:
        """Serve on behalf of `client`, whose `process` is moved here."""
        Guest.__init__(self, service, client.who, client.namespace, process, client.quotas)
        ConnectorFace.__init__(self, self._take_in)

    def _take_in(self, end: Channel) -> None:
        self._service.queues.answering(self)
        with ServerEnd[Locator](end) as typed:
            self._service.admit_another(typed, self)
