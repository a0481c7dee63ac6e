"""`ipcrt pipe` in a process of its own, between real servers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading

import pytest

from tests.cli.resource_house import House, Ran, open_house
from tests.cli.terminal import Terminal

BYTES = bytes(range(256)) * 1024
MIB = 1 << 20

house = pytest.fixture(scope="module")(open_house)


def told(ran: Ran) -> tuple[int, str]:
    """How many bytes, and by whom."""
    assert (ran.status, ran.errors) == (0, "")
    said = json.loads(ran.output)
    assert said["bytes_per_second"] > 0
    assert said["seconds"] > 0
    return said["bytes"], said["by"]


def test_a_file_goes_into_a_file_by_its_server(house: House) -> None:
    (house.files / "a").write_bytes(BYTES)
    (house.files / "b").write_bytes(BYTES * 2)
    assert told(house("pipe", "file:///a", "file:///b", "--json")) == (len(BYTES), "server")
    assert (house.files / "b").read_bytes() == BYTES
    ran = house("pipe", "file:///a?offset=1&length=2", "file:///b", "--append")
    assert (ran.status, ran.output[:10]) == (0, b"2 bytes in")
    assert (house.files / "b").read_bytes() == BYTES + b"\x01\x02"


def test_from_one_server_to_another(house: House) -> None:
    (house.files / "a").write_bytes(BYTES)
    assert told(house("pipe", "file:///a", "kv:///k", "--json")) == (len(BYTES), "server")
    assert told(house("pipe", "kv:///k", "file:///c", "--json")) == (len(BYTES), "server")
    assert (house.files / "c").read_bytes() == BYTES


def test_a_file_goes_to_a_connection_by_the_kernel(house: House) -> None:
    (house.files / "a").write_bytes(BYTES)
    received = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def receive() -> None:
            with server.accept()[0] as connection:
                while part := connection.recv(65536):
                    received.extend(part)

        receiving = threading.Thread(target=receive)
        receiving.start()
        port = server.getsockname()[1]
        ran = house("pipe", "file:///a", f"tcp://127.0.0.1:{port}", "--json")
        receiving.join()
    assert told(ran) == (len(BYTES), "server")
    assert received == BYTES


def test_a_connection_comes_through_the_command(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def send() -> None:
            with server.accept()[0] as connection:
                connection.sendall(BYTES)

        sending = threading.Thread(target=send)
        sending.start()
        port = server.getsockname()[1]
        ran = house("pipe", f"tcp://127.0.0.1:{port}", "file:///d", "--json")
        sending.join()
    assert told(ran) == (len(BYTES), "client")
    assert (house.files / "d").read_bytes() == BYTES


def test_what_a_server_cannot_pipe_comes_through_the_command(house: House) -> None:
    assert told(house("pipe", "own:///unpiped", "file:///e", "--json")) == (MIB, "client")
    assert (house.files / "e").read_bytes() == bytes(MIB)


@pytest.mark.parametrize(
    "from_uri, to_uri, error",
    [
        ("file:///none", "file:///kept", "open file:///none: NOT_FOUND"),
        ("file:///full", "own:///full", "the peer failed: NO_SPACE"),
        ("file:///full", "process:///bin/false", "process:///bin/false: exit status 1"),
        ("process:///bin/false", "kv:///unwritten", "process:///bin/false: exit status 1"),
    ],
)
def test_an_error_is_one_line(house: House, from_uri: str, to_uri: str, error: str) -> None:
    (house.files / "kept").write_bytes(b"kept")
    (house.files / "full").write_bytes(bytes(4 * MIB))
    ran = house("pipe", from_uri, to_uri)
    assert (ran.status, ran.output, ran.errors) == (1, b"", f"ipcrt: {error}\n")
    assert (house.files / "kept").read_bytes() == b"kept"
    assert house("open", "kv:///unwritten").status == 1


def test_nothing_is_written_over_by_itself(house: House) -> None:
    (house.files / "a").write_bytes(BYTES)
    ran = house("pipe", "file:///a", "file:///a", "--append")
    assert (ran.status, ran.errors) == (2, "ipcrt: file:///a would be written over by itself\n")
    assert (house.files / "a").read_bytes() == BYTES


@pytest.mark.parametrize("alias, option", [("./%61", ()), ("hard", ("--append",))])
def test_another_name_of_the_same_file_is_the_same(
    house: House, alias: str, option: tuple[str, ...]
) -> None:
    (house.files / "a").write_bytes(BYTES)
    (house.files / "hard").unlink(missing_ok=True)
    (house.files / "hard").hardlink_to(house.files / "a")
    ran = house("pipe", "file:///a", f"file:///{alias}", *option)
    assert (ran.status, ran.errors) == (2, "ipcrt: file:///a would be written over by itself\n")
    assert (house.files / "a").read_bytes() == BYTES
    (house.files / "hard").unlink()


@pytest.mark.parametrize(
    "arguments",
    [
        ("open", "file:///a"),
        ("pipe", "file:///a", "file:///unmade"),
        ("invoke", "file:///a", "stat"),
    ],
)
def test_a_closed_standard_output_is_said_before_anything_is_done(
    house: House, arguments: tuple[str, ...]
) -> None:
    (house.files / "a").write_bytes(BYTES)
    line = " ".join(house.argv(*arguments))
    ended = subprocess.run(
        ["sh", "-c", f"exec {line} >&-"],
        check=False,
        stderr=subprocess.PIPE,
        env={**os.environ, **house.environment},
    )
    assert (ended.returncode, ended.stderr) == (2, b"ipcrt: standard output is closed\n")
    assert not (house.files / "unmade").exists()


@pytest.mark.slow
def test_a_server_that_dies_in_the_middle_is_no_end(house: House) -> None:
    for each in open_house():
        ran = each("pipe", "own:///cut", "own:///echo")
        assert (ran.status, ran.output) == (1, b"")
        assert len(ran.errors.splitlines()) == 1
    del house


def test_ctrl_c_ends_at_once(house: House) -> None:
    with house.start("pipe", "own:///flood", "file:///f") as piping:
        while not (house.files / "f").exists() or not (house.files / "f").stat().st_size:
            assert piping.poll() is None
        piping.send_signal(signal.SIGINT)
        assert piping.communicate(timeout=30) == (b"", b"")
    assert piping.returncode == 130
    (house.files / "f").unlink()


def test_a_terminal_sees_how_far_the_server_is(house: House) -> None:
    with (house.files / "large").open("wb") as file:
        file.truncate(64 * MIB)
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with Terminal(house.argv("pipe", "file:///large", uri), **house.environment) as terminal:
            with server.accept()[0] as connection:
                terminal.expect("/67.1 MB")  # while nobody takes anything
                while connection.recv(1 << 20):
                    pass
            terminal.expect("67108864 bytes in")
            assert terminal.wait() == 0
    (house.files / "large").unlink()


def test_a_terminal_sees_that_a_copy_goes_on(house: House) -> None:
    line = house.argv("pipe", "own:///flood", "file:///f")
    with Terminal(line, **house.environment) as terminal:
        terminal.expect("B/s")
        terminal.type("\x03")
        terminal.expect("\x1b[?25h")  # the cursor is back
        assert terminal.wait() == 130
    (house.files / "f").unlink()


@pytest.mark.parametrize(
    "size",
    [64 * MIB, pytest.param(1024 * MIB, marks=[pytest.mark.slow, pytest.mark.timeout(300)])],
)
def test_memory_is_bounded(house: House, size: int) -> None:
    with (house.files / "large").open("wb") as file:
        file.truncate(size)
    path = house.files / "large"
    status, _, peak = house.peak_bytes("pipe", f"process:///bin/cat?arg={path}", "file:///copy")
    assert status == 0
    assert (house.files / "copy").stat().st_size == size
    assert peak < 64 * MIB
    (house.files / "copy").unlink()
