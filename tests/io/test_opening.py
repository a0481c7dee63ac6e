from __future__ import annotations

import csv
import io
import json
import shutil
import tracemalloc
from collections.abc import Iterator

import pytest

from ipcrt.io.opening import file_of, open_raw, raw_of
from ipcrt.io.opening import open as open_file
from ipcrt.objects.channel import Channel
from ipcrt.objects.vmo import Vmo
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.blocking_control import BlockingResourceClient
from tests.io.world import SIZES, Files, blocking_client, serving
from tests.support.processes import Spawner

DYING = """
import os, signal, sys
import anyio
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.resources.app import ResourceApp

app = ResourceApp("dying")

@app.open("dying:")
def open_dying(request):
    async def serve(data):
        await data.send_stream(b"so far")
        os.kill(os.getpid(), signal.SIGKILL)
    return serve

async def main():
    async with open_port() as port:
        await app.serve(port, Channel(int(sys.argv[1])))

anyio.run(main)
"""


@pytest.fixture
def files() -> Files:
    return {}


@pytest.fixture
def client(files: Files) -> Iterator[BlockingResourceClient]:
    with serving("asyncio", files) as listen, blocking_client(listen) as client:
        yield client


def test_the_library_reads_and_writes_such_files(
    files: Files, client: BlockingResourceClient
) -> None:
    with open_file(client, "mem:///a.json", "w") as out:
        json.dump({"ä": [1, 2]}, out)
    with open_file(client, "mem:///a.json", "r") as text:
        assert json.load(text) == {"ä": [1, 2]}
    with open_file(client, "mem:///a.csv", "w", newline="") as out:
        csv.writer(out).writerows([["a", "b\nc"], ["ü", "d"]])
    with open_file(client, "mem:///a.csv", "r", newline="") as text:
        assert list(csv.reader(text)) == [["a", "b\nc"], ["ü", "d"]]
    with (
        open_file(client, "mem:///a.csv") as source,
        open_file(client, "mem:///b.csv", "xb") as target,
    ):
        shutil.copyfileobj(source, target)
    assert files["b.csv"] == files["a.csv"]
    with io.TextIOWrapper(open_raw(client, "parts:"), "latin-1") as lines:
        assert list(lines) == ["a\n", "bc\n", "ÿ\0"]


def test_text_is_sought_where_it_was_told(files: Files, client: BlockingResourceClient) -> None:
    files["t"] = bytearray(b"eins\nzwei\ndrei\n")
    with open_file(client, "mem:///t", "r") as text:
        assert text.readline() == "eins\n"
        place = text.tell()
        assert text.readline() == "zwei\n"
        text.seek(place)
        assert text.read() == "zwei\ndrei\n"


@pytest.mark.parametrize("size", SIZES)
def test_a_copy_takes_little_memory(client: BlockingResourceClient, size: int) -> None:
    with open_file(client, f"big://{size}") as source, open_file(client, "sink:", "wb") as sink:
        tracemalloc.start()
        try:
            shutil.copyfileobj(source, sink)
            assert tracemalloc.get_traced_memory()[1] < 9 << 20  # the server's is in it, too
        finally:
            tracemalloc.stop()


def test_a_server_that_dies_is_no_end_of_a_file(spawn_python: Spawner) -> None:
    near, far = Channel.create()
    with far:
        spawn_python(DYING, far.fileno(), pass_fds=[far.fileno()])
    with (
        BlockingPort() as port,
        BlockingResourceClient(near, port) as client,
        open_file(client, "dying:") as file,
    ):
        assert file.read(6) == b"so far"
        with pytest.raises(ConnectionResetError):
            file.read(1)


def test_a_file_that_goes_on_without_its_client_ends_as_usual(
    client: BlockingResourceClient,
) -> None:
    with open_file(client, "big://10") as file:
        client.close()
        assert file.read() == bytes(10)


def test_a_failed_opening_leaves_nothing_open(client: BlockingResourceClient) -> None:
    with pytest.raises(LookupError):
        open_file(client, "parts:", "r", encoding="no such code")
    with pytest.raises(PermissionError):
        open_file(client, "refused://EACCES")
    with pytest.raises(PermissionError):
        open_file(client, "fifo:", "r+b")
    client.invoke(None, "say", b"to nobody")


def test_a_handle_is_moved_whether_or_not_it_works() -> None:
    for mode, kind in (("q", ValueError), ("rb", OSError)):
        near, far = Channel.create()
        with far:
            with pytest.raises(kind):
                file_of(near, mode)
            assert near.closed
    with raw_of(Vmo.from_bytes(b"abc")) as raw:
        assert raw.readall() == b"abc"
