"""The locator itself, from its shipped units: started by its clients, stopped by systemd."""

from __future__ import annotations

import pwd
from collections.abc import Iterator

import pytest

from tests.support.waiting import wait_until
from tests.systemd.box import ROOT, Box

pytestmark = pytest.mark.systemd

SOCKET = "ipcrt-locatord.socket"
SERVICE = "ipcrt-locatord.service"
PLACE = "/run/ipcrt-test"
POLICY = "/etc/ipcrt/policy.toml"

# A protocol with one method, which says who the client is, and both sides of it.
GREETER = """
import asyncio, sys

import msgspec

from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.proxy import Proxy
from ipcrt.bindings.server import Server
from ipcrt.bindings.tables import Openness, ProtocolTable, Struct, TwoWay
from ipcrt.errors import IpcError
from ipcrt.locator.connect import connect
from ipcrt.locator.notify import Notifier
from ipcrt.locator.service import provide
from ipcrt.port.aport import open_port


class Greeting(Struct, frozen=True):
    uid: int


class Greeter(Protocol):
    pass


GREET = TwoWay("test/Greeter.Greet", type(None), Greeting)
Greeter.TABLE = ProtocolTable("test/Greeter", Openness.OPEN, (GREET,))


class GreeterProxy(Proxy[Greeter]):
    PROTOCOL = Greeter

    async def greet(self):
        return await self._call(GREET, None, 10)


class GreeterServer(Server[Greeter]):
    PROTOCOL = Greeter

    def __init__(self, peer):
        self.peer = peer

    def greet(self):
        return Greeting(self.peer.identity.uid)


async def serve():
    ready = Notifier.from_environment().ready
    async with open_port() as port:
        await provide(port, {"test/Greeter": GreeterServer}, on_registered=ready)


async def ask():
    async with connect() as locator:
        names = await locator.names()
        try:
            async with await locator.open(GreeterProxy) as greeter:
                print((await greeter.greet()).uid, *names)
        except IpcError as error:
            print(error.status.name, *names)


asyncio.run(globals()[sys.argv[1]]())
"""


@pytest.fixture
def locator(box: Box) -> Iterator[Box]:
    """The box with the socket listening and nothing running."""
    box.write(f"{PLACE}/greeter.py", GREETER)
    box.run("systemctl", "start", SOCKET)
    try:
        yield box
    finally:
        box.attempt("systemctl", "stop", "greeter.service")
        box.run("systemctl", "stop", SOCKET, SERVICE)
        box.run("rm", "-rf", PLACE, POLICY)
        box.attempt("systemctl", "reset-failed")


def start_greeter(box: Box, user: str = "root") -> None:
    """Returns when the service has registered with the locator."""
    command = ["/opt/ipcrt/bin/python", f"{PLACE}/greeter.py", "serve"]
    options = ["--quiet", "--unit=greeter", "--property=Type=notify", f"--uid={user}"]
    box.run("systemd-run", *options, *command)


def ask(box: Box, user: str = "root", unit: str = "asker") -> str:
    """What a client, in a unit of its own, is answered; then the names that it sees."""
    options = ["--quiet", "--wait", "--pipe", "--collect", f"--unit={unit}", f"--uid={user}"]
    command = ["/opt/ipcrt/bin/python", f"{PLACE}/greeter.py", "ask"]
    return box.run("systemd-run", *options, *command).strip()


def test_the_first_client_starts_it(locator: Box) -> None:
    assert locator.show(SERVICE, "ActiveState") == "inactive"
    assert ask(locator) == "NOT_FOUND"
    assert locator.show(SERVICE, "ActiveState") == "active"
    user = locator.run("stat", "--format=%U", f"/proc/{locator.show(SERVICE, 'MainPID')}")
    assert user.strip() == "ipcrt-locator"


def test_stop_is_clean_and_the_next_client_starts_it_again(locator: Box) -> None:
    ask(locator)
    first = locator.show(SERVICE, "MainPID")
    locator.run("systemctl", "stop", SERVICE)
    assert locator.show(SERVICE, "ActiveState") == "inactive"
    assert locator.show(SERVICE, "Result") == "success"
    assert ask(locator) == "NOT_FOUND"
    assert locator.show(SERVICE, "MainPID") != first


def test_it_outlives_its_watchdog(locator: Box) -> None:
    """More than three times the interval, without a client."""
    drop_ins = f"/run/systemd/system/{SERVICE}.d"
    locator.write(f"{drop_ins}/watchdog.conf", "[Service]\nWatchdogSec=300ms\n")
    locator.run("systemctl", "daemon-reload")
    try:
        ask(locator)
        first = locator.show(SERVICE, "MainPID")
        locator.run("sleep", "1")
        assert locator.show(SERVICE, "MainPID") == first
        assert locator.show(SERVICE, "NRestarts") == "0"
    finally:
        locator.run("systemctl", "stop", SERVICE)
        locator.run("rm", "-r", drop_ins)
        locator.run("systemctl", "daemon-reload")


def test_without_a_policy_root_alone_is_served(locator: Box) -> None:
    start_greeter(locator)
    assert ask(locator) == "0 test/Greeter"
    assert ask(locator, "daemon") == "ACCESS_DENIED"


def test_policy_by_user_and_by_unit(locator: Box) -> None:
    locator.write(
        POLICY,
        '[[rule]]\nuser = ["games"]\nregister = ["test/*"]\n'
        '[[rule]]\nuser = ["daemon"]\nopen = ["test/Greeter"]\n'
        '[[rule]]\nunit = ["trusted-*.service"]\nopen = ["*"]\n',
    )
    start_greeter(locator, "games")
    daemon, nobody = (pwd.getpwnam(name).pw_uid for name in ("daemon", "nobody"))
    assert ask(locator, "daemon") == f"{daemon} test/Greeter"
    assert ask(locator, "nobody") == "ACCESS_DENIED"
    assert ask(locator, "nobody", unit="trusted-1") == f"{nobody} test/Greeter"
    assert ask(locator, "root") == "ACCESS_DENIED"


def test_services_find_a_locator_that_was_killed(locator: Box) -> None:
    start_greeter(locator)
    locator.run("systemctl", "kill", "--signal=KILL", SERVICE)
    locator.run("systemctl", "is-active", "greeter.service")
    wait_until(lambda: ask(locator) == "0 test/Greeter")


def test_the_shipped_policy_is_accepted(locator: Box) -> None:
    locator.write(POLICY, (ROOT / "systemd" / "policy.toml").read_text())
    start_greeter(locator)
    assert ask(locator) == "0 test/Greeter"
    assert ask(locator, "daemon") == "ACCESS_DENIED"


def test_reload_reads_the_policy_again_and_keeps_the_clients(locator: Box) -> None:
    start_greeter(locator)
    assert ask(locator, "daemon") == "ACCESS_DENIED"
    first = locator.show(SERVICE, "MainPID")
    daemon = pwd.getpwnam("daemon").pw_uid
    locator.write(POLICY, '[[rule]]\nuser = ["daemon"]\nopen = ["test/Greeter"]\n')
    locator.run("systemctl", "reload", SERVICE)
    wait_until(lambda: ask(locator, "daemon") == f"{daemon} test/Greeter")
    assert locator.show(SERVICE, "MainPID") == first
