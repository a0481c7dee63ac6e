"""`ipcrt open` in a process of its own, against real servers."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from urllib.parse import quote_plus

import pytest

from tests.cli.conftest import IPCRT
from tests.cli.resource_house import House, Ran, open_house
from tests.cli.terminal import Terminal

BYTES = bytes(range(256)) * 1024
MIB = 1 << 20

house = pytest.fixture(scope="module")(open_house)


def test_what_is_read_arrives_byte_for_byte(house: House) -> None:
    (house.files / "a").write_bytes(BYTES)
    assert house("open", "file:///a", data=b"not sent") == Ran(0, BYTES, "")


def test_what_is_written_arrives_byte_for_byte(house: House) -> None:
    (house.files / "b").write_bytes(b"longer than nothing" * 20000)
    assert house("open", "--write", "file:///b", data=BYTES) == Ran(0, b"", "")
    assert (house.files / "b").read_bytes() == BYTES
    assert house("open", "--append", "file:///b", data=b"more") == Ran(0, b"", "")
    assert (house.files / "b").read_bytes() == BYTES + b"more"


def test_a_key_is_stored_and_read(house: House) -> None:
    assert house("open", "--write", "kv:///k", data=BYTES) == Ran(0, b"", "")
    assert house("open", "kv:///k") == Ran(0, BYTES, "")


def test_a_directory_is_listed(house: House) -> None:
    (house.files / "d" / "e\n").mkdir(parents=True)
    (house.files / "d" / "f").touch()
    assert sorted(house("open", "file:///d").output) == sorted(b"e\n/\nf\n")
    lines = house("open", "file:///d", "--json").output.splitlines()
    assert {"name": "f", "type": "file", "size": 0} in map(json.loads, lines)


def test_a_process_has_its_streams_and_its_status(house: House) -> None:
    script = quote_plus("cat; echo err >&2; exit 3")
    ran = house("open", f"process:///bin/sh?arg=-c&arg={script}", data=BYTES)
    assert ran == Ran(3, BYTES, "err\n")


def test_a_connection_goes_both_ways(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answering = threading.Thread(target=_give_back, args=(server,))
        answering.start()
        ran = house("open", f"tcp://127.0.0.1:{port}", data=BYTES)
        answering.join()
    assert ran == Ran(0, BYTES, "")


def _give_back(server: socket.socket) -> None:
    """Answer all that comes, once its end has come."""
    with server.accept()[0] as connection:
        data = bytearray()
        while part := connection.recv(65536):
            data += part
        connection.sendall(data)


def test_a_listener_takes_the_first_that_connects(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    with house.start("open", f"tcp-listen://127.0.0.1:{port}") as opening:
        _connect_and_send(port, b"hello")
        assert opening.communicate(timeout=30) == (b"hello", b"")
    assert opening.returncode == 0


def _connect_and_send(port: int, data: bytes) -> None:
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
                return
        except ConnectionRefusedError:  # it does not listen yet
            continue


def test_another_scheme_takes_what_is_piped_in(house: House) -> None:
    assert house("open", "own:///echo", data=BYTES) == Ran(0, BYTES, "")


# ---- errors


@pytest.mark.parametrize(
    "arguments, status, error",
    [
        (["file:///none"], 1, "open file:///none: NOT_FOUND"),
        (["none:///x"], 1, "ipcrt.resources/None: nobody serves it; see `ipcrt list` (NOT_FOUND)"),
        (["file"], 2, "'file' is no URI, such as file:///etc/motd"),
        (["file:///b?fd"], 1, "file:///b?fd: a NONE descriptor came, and no data: leave out ?fd"),
        (["own:///full", "--write"], 1, "the peer failed: NO_SPACE"),
        (["own:///deaf?write"], 1, "own:///deaf?write: closed before it had taken everything"),
    ],
    ids=["none", "nobody", "word", "descriptor", "full", "deaf"],
)
def test_an_error_is_one_line(house: House, arguments: list[str], status: int, error: str) -> None:
    (house.files / "b").touch()
    ran = house("open", *arguments, data=bytes(8 * MIB))
    [line] = ran.errors.splitlines()
    assert line.startswith(f"ipcrt: {error}")
    assert ran.status == status


def test_a_server_that_dies_in_the_middle_is_no_end(house: House) -> None:
    for each in open_house():
        ran = each("open", "own:///cut")
        assert (ran.status, ran.output) == (1, b"begun")
        assert ran.errors.startswith("ipcrt: own:///cut: its server has gone; the data may be cut")
    del house


@pytest.mark.parametrize("arguments", [["--write", "file:///b"], ["file:///b?write&truncate"]])
def test_nothing_is_written_over_by_a_closed_standard_input(
    house: House, arguments: list[str]
) -> None:
    (house.files / "b").write_bytes(b"kept")
    line = shlex.join(house.argv("open", *arguments))
    environment = {**os.environ, **house.environment}
    ended = subprocess.run(
        ["sh", "-c", f"{line} <&-"], check=False, env=environment, capture_output=True
    )
    assert (ended.returncode, ended.stderr) == (2, b"ipcrt: standard input is closed\n")
    assert (house.files / "b").read_bytes() == b"kept"


def test_standard_streams_may_be_closed(house: House) -> None:
    (house.files / "a").write_bytes(b"content")
    line = " ".join([*IPCRT, "open", "file:///a"])
    environment = {**os.environ, **house.environment}
    ended = subprocess.run(
        ["sh", "-c", f"{line} <&- 2>&-"], check=True, env=environment, capture_output=True
    )
    assert ended.stdout == b"content"


# ---- who ends it


def test_ctrl_c_ends_at_once(house: House) -> None:
    with house.start("open", "own:///mute", stdin=subprocess.PIPE) as opening:
        assert opening.stdout is not None
        assert opening.stdout.read(5) == b"begun"
        opening.send_signal(signal.SIGINT)
        assert opening.communicate(timeout=30) == (b"", b"")
    assert opening.returncode == 130


def test_ctrl_c_ends_it_while_nobody_reads(house: House) -> None:
    with house.start("open", "own:///flood") as opening:
        assert opening.stdout is not None
        opening.stdout.read(1)
        opening.send_signal(signal.SIGINT)
        assert opening.wait(30) == 130
        assert opening.stderr is not None
        assert opening.stderr.read() == b""


def test_when_nobody_reads_any_more_it_ends_as_cat_does(house: House) -> None:
    with house.start("open", "own:///flood") as opening:
        assert opening.stdout is not None
        opening.stdout.read(1)
        opening.stdout.close()
        assert opening.wait(30) == -signal.SIGPIPE
        assert opening.stderr is not None
        assert opening.stderr.read() == b""


def test_flags_that_others_share_are_left_alone(house: House) -> None:
    reading, writing = os.pipe()
    with (
        os.fdopen(reading, "rb") as ours,
        os.fdopen(writing, "wb") as theirs,
        subprocess.Popen(
            house.argv("open", "own:///flood"),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            env={**os.environ, **house.environment},
        ) as opening,
    ):
        ours.read(MIB)
        assert os.get_blocking(theirs.fileno())
        opening.kill()


# ---- on a terminal


@pytest.fixture
def terminal(house: House) -> Iterator[Terminal]:
    line = " ".join(house.argv("open", "own:///flood"))
    with Terminal(["sh", "-c", f"exec {line} > /dev/null"], **house.environment) as terminal:
        yield terminal


def test_a_terminal_sees_how_much_has_come(terminal: Terminal) -> None:
    terminal.expect("B/s")
    terminal.type("\x03")
    terminal.expect("\x1b[?25h")  # the cursor is back
    assert terminal.wait() == 130


# ---- memory


@pytest.mark.parametrize(
    "size",
    [64 * MIB, pytest.param(1024 * MIB, marks=[pytest.mark.slow, pytest.mark.timeout(300)])],
)
def test_memory_is_bounded(house: House, size: int) -> None:
    with (house.files / "large").open("wb") as file:
        file.truncate(size)
    status, count, peak = house.peak_bytes("open", "file:///large")
    assert (status, count) == (0, size)
    assert peak < 64 * MIB
