"""What all clients share: the devices, who is there, and the compositor."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Final

from ipcrt.port.aport import AsyncPort
from ipcrt.shm.shared_state import SharedState
from ipcrt.shm.swapchain_layers import Frame
from ipcrt_services.monado.bindings import Refusal, Refused
from ipcrt_services.monado.budget import Budget
from ipcrt_services.monado.chains import Jobs
from ipcrt_services.monado.delivery import Delivery
from ipcrt_services.monado.devices import HEAD, LEFT, RATE_HZ, RIGHT, Device, simulated
from ipcrt_services.monado.layout import (
    INPUTS,
    LAYOUT,
    POSES,
    SYSTEM,
    SystemState,
    inputs_record,
)
from ipcrt_services.monado.pacing import Pacing
from ipcrt_services.monado.presenter import Presenter
from ipcrt_services.monado.publisher import Publisher
from ipcrt_services.monado.roster import Member, Roster
from ipcrt_services.monado.settings import Settings
from ipcrt_services.worker import Worker, call_each

_log: Final = logging.getLogger("ipcrt.monado")


class Guest:
    """One client, put together: who it is, when it draws, what it has drawn."""

    def __init__(
        self, member: Member, pacing: Pacing, port: AsyncPort, jobs: Jobs, budget: Budget
    ) -> None:
        self.member: Final = member
        self.pacing: Final = pacing
        self.budget: Final = budget
        self.delivery: Final = Delivery(port, jobs, budget, self.__str__)

    def __str__(self) -> str:
        name = self.member.name or "client"
        return f"{name} {self.member.id} (pid {self.member.pid})"


class House:
    """Made by `open_house`; used on the port's thread."""

    def __init__(self, port: AsyncPort, settings: Settings, stack: ExitStack) -> None:
        """Begin to publish devices; what is opened is given to `stack`."""
        self.port: Final = port
        self.settings: Final = settings
        self.roster: Final = Roster()
        self.devices: Final = simulated()
        self._guests: dict[int, Guest] = {}
        self._budgets: dict[int, Budget] = {}
        self._jobs: Jobs = Worker(port, call_each, "monado images", 1)
        stack.callback(self._jobs.close)
        quiet = [section.name for section in POSES.values()]
        self.state: Final = stack.enter_context(
            SharedState.create(LAYOUT, "ipcrt-monado", quiet=quiet)
        )
        self.presenter: Final = Presenter(
            port, settings, self.devices[HEAD], self.state, self._latch
        )
        stack.callback(self.presenter.close)
        started_ns = self.presenter.display.epoch_ns
        self.state.publish(
            SYSTEM, SystemState(started_ns, settings.period_ns, RATE_HZ, HEAD, LEFT, RIGHT)
        )
        self.publisher: Final = Publisher(self.state, self.devices)
        stack.callback(self.publisher.close)

    # ---- guests

    def welcome(self, pid: int, uid: int) -> Guest:
        """One more client has come."""
        pacing = Pacing(self.presenter.display)
        budget = self._budgets.get(uid)
        if budget is None:
            held = partial(self._bytes_of, uid)
            budget = self._budgets[uid] = Budget(uid, self.settings.uid_bytes, held)
        guest = Guest(self.roster.add(pid), pacing, self.port, self._jobs, budget)
        self._guests[guest.member.id] = guest
        return guest

    def dismiss(self, guest: Guest) -> None:
        """A client has gone; everything that it had is given back."""
        del self._guests[guest.member.id]
        self.roster.remove(guest.member)
        guest.delivery.close()
        needed = {each.budget.uid for each in self._guests.values()}
        for uid in [uid for uid, each in self._budgets.items() if not each.claimed]:
            if uid not in needed:
                del self._budgets[uid]

    def _bytes_of(self, uid: int) -> int:
        guests = [guest for guest in self._guests.values() if guest.budget.uid == uid]
        return sum(guest.delivery.images.statistics()["bytes"] for guest in guests)

    def guest(self, number: int) -> Guest:
        """Answer a client. Raises: Refused."""
        return self._guests[self.roster.get(number).id]

    def _latch(self) -> list[Frame]:
        return [self._guests[member.id].delivery.images.latch() for member in self.roster.shown()]

    # ---- devices

    def device(self, number: int) -> Device:
        """Answer a device. Raises: Refused."""
        if not 0 <= number < len(self.devices):
            raise Refused(Refusal.NO_SUCH_DEVICE)
        return self.devices[number]

    def publish_inputs(self, device: Device, now_ns: int) -> None:
        """Look at a device's buttons, and publish them."""
        section = INPUTS.get(device.id)
        if section is not None:
            self.state.publish(section, inputs_record(device.inputs(now_ns)))

    def statistics(self) -> dict[str, int]:
        """Count clients, poses, pictures."""
        return {
            "clients": len(self._guests),
            "poses": self.publisher.ticks * len(self.devices),
            "ticks_left_out": self.publisher.left_out,
            **self.presenter.statistics(),
        }


@asynccontextmanager
async def open_house(port: AsyncPort, settings: Settings) -> AsyncGenerator[House, None]:
    """Run the devices and the compositor; on leaving, both end."""
    with ExitStack() as stack:
        house = House(port, settings, stack)
        stop = port.spawn(house.presenter.run(), "monado compositor")
        stack.callback(stop)
        yield house
        _log.info("stopping: %s", house.statistics())
