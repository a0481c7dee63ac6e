"""A locator that is given its predecessor's clients, and what it makes of them."""

from __future__ import annotations

import os
import socket

import pytest

from ipcrt.errors import AccessDenied, NoResources, NotFound, Unavailable
from ipcrt.locator import restore
from ipcrt.locator.connect import connect_blocking
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.fd_store import KEPT, STATE
from ipcrt.locator.policy import Policy
from ipcrt.objects.process import Process
from tests.locator.echo import NAME, EchoBlockingProxy
from tests.locator.stage import Stage
from tests.locator.supervisor import Supervise
from tests.support.processes import Spawner

EVERYTHING = '[[rule]]\nopen = ["*"]\nregister = ["*"]\n'

# Registers a name, hands a channel over to its parent, and waits for its end.
GIVER = """
import socket, sys
from ipcrt.bindings.ends import create_endpoints
from ipcrt.locator.connect import connect_blocking
from ipcrt.locator.protocol import Locator, Outgoing
path, parent = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
with connect_blocking(path) as locator:
    client, server = create_endpoints(Locator)
    locator.proxy.hand_over(server)
    outgoing, directory = create_endpoints(Outgoing)
    locator.proxy.register(["test/Given"], outgoing)
    ends = [client.channel.fileno(), directory.channel.fileno()]
    socket.send_fds(parent, [b"x"], ends)
    client.close()
    directory.close()
    input()
"""


def test_todays_policy_holds(stage: Stage, supervise: Supervise) -> None:
    policy = stage.policy(EVERYTHING)
    supervisor = supervise("--policy", policy)
    stage.service()
    with connect_blocking(stage.path) as locator:
        stage.policy('[[rule]]\nopen = ["other/*"]\nregister = ["*"]\n')
        supervisor.restart()
        with locator.open(EchoBlockingProxy) as echo, pytest.raises(AccessDenied):
            echo.echo("hello")
        stage.policy('[[rule]]\nopen = ["*"]\n')
        supervisor.restart()
        with locator.open(EchoBlockingProxy) as echo, pytest.raises(NotFound):
            echo.echo("hello")
        assert f"policy does not let it offer '{NAME}'" in supervisor.log()


def test_todays_limits_hold(stage: Stage, supervise: Supervise) -> None:
    supervisor = supervise()
    with connect_blocking(stage.path) as first, connect_blocking(stage.path) as second:
        supervisor.options = (*supervisor.options, "--max-clients", 1)
        supervisor.restart()
        fates: list[str] = []
        for client in (first, second):
            try:
                client.names()
                fates.append("kept")
            except NoResources:
                fates.append("told")
        assert sorted(fates) == ["kept", "told"]


def test_what_is_left_by_a_process_that_has_ended(
    stage: Stage, supervise: Supervise, spawn_python: Spawner
) -> None:
    supervisor = supervise()
    ours, theirs = socket.socketpair()
    with ours, theirs, connect_blocking(stage.path) as locator:
        giver = spawn_python(GIVER, stage.path, theirs.fileno(), pass_fds=[theirs.fileno()])
        _, fds, _, _ = socket.recv_fds(ours, 1, 2)
        with (
            socket.socket(fileno=fds[0]) as given,
            socket.socket(fileno=fds[1]) as directory,
        ):
            supervisor.restart()
            assert locator.names() == ["test/Given"]
            assert supervisor.stop() == 0
            giver.kill()
            giver.wait()
            supervisor.start()
            assert locator.names() == []
            for end in (given, directory):
                end.settimeout(20)
                while end.recv(1000):
                    pass


@pytest.mark.parametrize("state", ["missing", "nonsense"])
def test_without_the_record_everybody_is_told(
    stage: Stage, supervise: Supervise, state: str
) -> None:
    supervisor = supervise()
    with connect_blocking(stage.path) as locator, locator.another() as another:
        assert supervisor.stop() == 0
        supervisor.replace(STATE, state)
        supervisor.start()
        for proxy in (locator.proxy, another):
            with pytest.raises(Unavailable):
                proxy.get_identity()
        with connect_blocking(stage.path) as second:
            assert second.names() == []


def test_what_is_no_channel_is_closed(stage: Stage, supervise: Supervise) -> None:
    supervisor = supervise()
    with connect_blocking(stage.path) as locator:
        assert supervisor.stop() == 0
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind("")
        listener.listen()
        for fd in (os.open("/dev/null", os.O_RDONLY), listener.detach(), os.eventfd(0)):
            supervisor.stored.insert(0, (KEPT, fd))
        supervisor.start()
        assert locator.names() == []


def test_the_unit_of_a_process_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of a client that was handed over: its channel need not lead to it."""
    asked: list[int] = []

    def cgroup_of(pid: int) -> str:
        asked.append(pid)
        return "/system.slice/trusted.service"

    monkeypatch.setattr(restore, "cgroup_of", cgroup_of)
    policy = Policy.parse('[[rule]]\nunit = ["trusted.service"]\nopen = ["*"]\n', "policy")
    who = Credentials(os.getpid(), 1, 1, frozenset({1}))
    with Process.open(os.getpid()) as process:
        assert restore._grant(policy, who, process).namespace.may_open("a/B")
    assert asked == [os.getpid()]
