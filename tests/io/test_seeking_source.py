from __future__ import annotations

import io

import pytest

from ipcrt.io.opening import open_raw
from tests.io.world import Files, blocking_client, serving


def test_who_reads_on_and_on_asks_the_server_nothing_more() -> None:
    files: Files = {"x": bytearray(b"0123456789")}
    with (
        serving("asyncio", files) as listen,
        blocking_client(listen) as client,
        open_raw(client, "mem:///x") as file,
    ):
        assert file.tell() == 0
        assert file.read(4) == b"0123"
        assert file.seek(4) == 4  # the channel stays
        del files["x"]
        assert file.read(4) == b"4567"
        with pytest.raises(FileNotFoundError):
            file.seek(0, io.SEEK_END)
        assert file.seek(0) == 0
        with pytest.raises(FileNotFoundError):
            file.read(1)


def test_reading_behind_writing_waits_for_the_server() -> None:
    files: Files = {}
    with serving("trio", files) as listen, blocking_client(listen) as client:
        with open_raw(client, "mem:///x", "w+b") as file:
            for number in range(5):
                file.write(bytes([65 + number]) * 60_000)
                file.seek(number * 60_000)
                assert file.read(1) == bytes([65 + number])
                file.seek(0, io.SEEK_END)
            assert file.tell() == 300_000
        assert len(files["x"]) == 300_000


def test_what_has_no_offsets_says_so() -> None:
    with (
        serving("asyncio", {}) as listen,
        blocking_client(listen) as client,
        open_raw(client, "parts:") as file,
    ):
        assert file.tell() == 0  # nobody has asked the server yet
        assert not file.seekable()
        for call in (file.tell, lambda: file.seek(0)):
            with pytest.raises(io.UnsupportedOperation):
                call()
        assert file.read(1) == b"a"
