from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.errors import (
    AccessDenied,
    AlreadyExists,
    BadHandle,
    InvalidArgs,
    LocalProtocolError,
    NotFound,
    OutOfRange,
    PeerClosed,
)
from ipcrt.locator.namespace import LocatorAt, Namespace
from ipcrt.locator.namespace_grant import Grant
from ipcrt.locator.protocol import Locator
from ipcrt.locator.spawn_start import Baggage, SpawnOptions, end, start
from ipcrt.locator.startup import VARIABLE
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.process import Process
from ipcrt.objects.socket import Socket
from tests.support.proc import child_processes, open_fds

FDS = "import os; fds = set(os.listdir('/proc/self/fd')); print(*sorted(fds), flush=True); input()"


@contextmanager
def started(
    argv: Sequence[str | os.PathLike[str]], **options: object
) -> Generator[tuple[Process, Socket]]:
    """A child whose stdin and stdout are one socket."""
    near, far = Socket.create()
    given = cast("SpawnOptions", {"stdin": far, "stdout": far, **options})
    with near, far, Baggage(given) as baggage:
        process = start(argv, given, baggage)
        far.close()
        os.set_blocking(near.fileno(), True)
        try:
            yield process, near
        finally:
            if not process.closed:
                end(process)


def line(near: Socket) -> str:
    with socket.socket(fileno=os.dup(near.fileno())) as sock, sock.makefile("r") as stream:
        return stream.readline().strip()


def run(argv: Sequence[str | os.PathLike[str]], **options: object) -> tuple[int, str]:
    """Run a command to its end; answer its status, and its first line."""
    with started(argv, **options) as (process, near):
        said = line(near)
        status = process.wait_status(reap=True, block=True)
        process.close()
        return status, said


def test_a_child_without_anything() -> None:
    assert run(["sh", "-c", f"echo ${VARIABLE}; exit 3"]) == (3, "")


def test_no_other_descriptor_reaches_the_child() -> None:
    """Neither a socket, nor what somebody made inheritable for a child of his own."""
    with open("/dev/null") as careless:
        os.set_inheritable(careless.fileno(), True)
        several: list[dict[str, object]] = [
            {},
            {"namespace": Namespace.of_locator()},
            {"die_with_parent": 15},
        ]
        for options in several:
            with started([sys.executable, "-c", FDS], **options) as (process, near):
                said = line(near).split()
                fds = open_fds(process.pid)
            bootstrap = 1 if "namespace" in options else 0
            assert len(said) == 3 + bootstrap + 1, said  # the listing's own
            assert len(fds) == 3 + bootstrap, fds


def test_everything_is_close_on_exec_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts something at the same moment, in another thread, passes nothing of ours on."""
    seen: list[bool] = []
    real = subprocess.Popen

    def look(*arguments: Any, **options: Any) -> object:
        seen.extend(os.get_inheritable(fd) for fd in options["pass_fds"])
        return real(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", look)
    assert run(["true"], namespace=Namespace.of_locator())[0] == 0
    assert seen == [False]


def test_many_threads_start_children_at_once() -> None:
    """Each finds its own channel, and nobody else's."""
    statuses: list[int] = []
    check = 'test "$(ls /proc/self/fd | wc -l)" = 5'  # three, the channel, and ls its listing

    def work() -> None:
        command = ["sh", "-c", check]
        statuses.extend(run(command, namespace=Namespace.of_locator())[0] for _ in range(3))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [0] * 12


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPCRT_TEST", "inherited")
    monkeypatch.setenv(VARIABLE, "3:4")
    show = ["sh", "-c", f"echo $IPCRT_TEST,${VARIABLE},$X"]
    assert run(show) == (0, "inherited,,")
    assert run(show, env={"X": "only", "PATH": os.environ["PATH"], VARIABLE: "5:6"}) == (
        0,
        ",,only",
    )
    said = run(show, namespace=Namespace.of_locator())[1].split(",")
    fd, cookie = said[1].split(":")
    assert int(fd) > 2
    assert int(cookie) > 0


def test_where_it_starts_and_in_which_session(tmp_path: Path) -> None:
    assert run(["pwd"], cwd=tmp_path) == (0, os.fspath(tmp_path))
    with started(["cat"], new_session=True) as (process, _):
        assert os.getsid(process.pid) == process.pid
    with started(["cat"]) as (process, _):
        assert os.getsid(process.pid) == os.getsid(0)


def test_its_standard_streams() -> None:
    read, write = os.pipe()
    with Handle(read), Handle(write) as handle:
        assert run(["sh", "-c", "echo x >&2"], stderr=handle) == (0, "")
        assert os.read(read, 10) == b"x\n"
        assert run(["sh", "-c", "cat; echo end"], stdin=subprocess.DEVNULL) == (0, "end")
        assert not handle.closed, "lent"
    with pytest.raises(InvalidArgs, match="make a pipe"):
        run(["true"], stdin=subprocess.PIPE)


def test_it_dies_with_its_parent_by_way_of_a_stepping_stone() -> None:
    with started(["sh", "-c", "echo $$; exec cat"], die_with_parent=signal.SIGTERM) as (
        process,
        near,
    ):
        assert int(line(near)) == process.pid, "the same process"
    with pytest.raises(NotFound, match="nonesuch: no such command"):
        run(["nonesuch"], die_with_parent=signal.SIGTERM)


@pytest.mark.parametrize(
    "argv, options, error",
    [
        (["nonesuch"], {}, NotFound),
        ("true", {}, InvalidArgs),
        (b"true", {}, InvalidArgs),
        (["true"], {"die_with_parent": 999}, InvalidArgs),
        (["true"], {"die_with_parent": 0}, InvalidArgs),
        (["true"], {"envv": {}}, TypeError),
        (["/"], {}, AccessDenied),
        (["true"], {"cwd": "/no/such"}, NotFound),
        ([], {}, InvalidArgs),
        (["a\0b"], {}, InvalidArgs),
        (["true"], {"env": {"A=B": "c"}}, InvalidArgs),
        (["true"], {"namespaces": {"x" * 65: Namespace()}}, LocalProtocolError),
    ],
)
def test_what_cannot_be_started(
    argv: list[str], options: dict[str, object], error: type[Exception]
) -> None:
    """What was passed is moved all the same, and closed; no process is left."""
    before = child_processes()
    client, server = create_endpoints(Locator)
    told = Event.create()
    with server:
        passed = Namespace({"/svc": client})
        with pytest.raises(error):
            run(argv, namespace=passed, handles={"told": told}, **options)
        assert (passed.keys(), told.closed) == ([], True)
        with pytest.raises(PeerClosed):
            server.channel.read()
    assert child_processes() == before


def test_more_handles_than_a_child_can_have() -> None:
    handles = {str(number): Event.create() for number in range(65)}
    with pytest.raises(OutOfRange, match="65 handles"):
        run(["true"], handles=handles)
    assert all(each.closed for each in handles.values())


def test_a_handle_that_is_closed_already() -> None:
    first, closed, last = Event.create(), Event.create(), Event.create()
    closed.close()
    client, server = create_endpoints(Locator)
    with server, pytest.raises(BadHandle):
        Baggage(
            SpawnOptions(
                namespace=Namespace({"/svc": client}),
                handles={"first": first, "closed": closed, "last": last},
            )
        )
    assert (first.closed, last.closed) == (True, True)


def test_own_has_one_meaning() -> None:
    options = SpawnOptions(namespace=Grant(), namespaces={"own": Namespace.of_locator()})
    with pytest.raises(AlreadyExists, match="two namespaces are called 'own'"):
        Baggage(options)


def test_a_child_that_cannot_be_told_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OutOfRange("no")

    monkeypatch.setattr(Channel, "write", fail)
    before = child_processes()
    told = Event.create()
    with pytest.raises(OutOfRange, match="no"):
        run(["cat"], handles={"told": told})
    assert child_processes() == before


def test_no_descriptor_for_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> Process:
        raise NotFound("none")

    monkeypatch.setattr(Process, "open", fail)
    before = child_processes()
    with pytest.raises(NotFound, match="none"):
        run(["cat"])
    assert child_processes() == before


def test_a_grant_becomes_a_channel_to_serve() -> None:
    with Baggage(SpawnOptions(namespace=Grant(), namespaces={"c": Grant()})) as baggage:
        assert len(baggage.served) == 2
        assert list(baggage.namespaces["own"]) == ["/svc"]
        assert not isinstance(baggage.namespaces["c"]["/svc"], LocatorAt)
