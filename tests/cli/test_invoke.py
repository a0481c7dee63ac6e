"""`ipcrt invoke` in a process of its own, against real servers."""

from __future__ import annotations

import json

import pytest

from tests.cli.resource_house import House, Ran, open_house

BYTES = bytes(range(256))

house = pytest.fixture(scope="module")(open_house)


def test_what_is_given_and_answered_are_bytes(house: House) -> None:
    (house.files / "arguments").write_bytes(BYTES)
    assert house("invoke", "own:///x", "reverse", "é") == Ran(0, "é".encode()[::-1], "")
    assert house("invoke", "own:///x", "reverse", "-", data=BYTES) == Ran(0, BYTES[::-1], "")
    ran = house("invoke", "own:///x", "reverse", f"@{house.files / 'arguments'}")
    assert ran == Ran(0, BYTES[::-1], "")


def test_messagepack_is_given_and_shown_as_json(house: House) -> None:
    (house.files / "a").write_bytes(BYTES)
    assert house("invoke", "file:///a", "truncate", "--msgpack", "3") == Ran(0, b"", "")
    said = json.loads(house("invoke", "file:///a", "stat", "--json").output)
    assert (said["type"], said["size"]) == ("file", 3)
    swap = ["invoke", "kv:///k", "swap", "--json", "--msgpack"]
    assert house(*swap, '[null, {"base64": "/w=="}]').output == b"[true, null]\n"
    assert house(*swap, "[null, null]").output == b'[false, {"base64": "/w=="}]\n'


def test_a_scheme_alone_is_its_server(house: House) -> None:
    assert house("invoke", "own", "name") == Ran(0, b"own", "")


@pytest.mark.parametrize(
    "arguments, status, error",
    [
        (["file:///a", "fly"], 1, "invoke file:///a#fly: NOT_SUPPORTED"),
        (["none:///a", "fly"], 1, "ipcrt.resources/None: nobody serves it; see `ipcrt list`"),
        (["own:///x", "reverse", "@/none"], 1, "/none: No such file or directory"),
    ],
    ids=["method", "server", "file"],
)
def test_an_error_is_one_line(house: House, arguments: list[str], status: int, error: str) -> None:
    ran = house("invoke", *arguments)
    [line] = ran.errors.splitlines()
    assert line.startswith(f"ipcrt: {error}")
    assert (ran.status, ran.output) == (status, b"")


def test_uris_are_completed(house: House) -> None:
    wanted = {
        "_IPCRT_COMPLETE": "complete_bash",
        "COMP_WORDS": "ipcrt invoke tc",
        "COMP_CWORD": "2",
    }
    assert house(environment=wanted).output.split() == [b"tcp://", b"tcp-listen://"]
