from __future__ import annotations

import pytest

from ipcrt.errors import PeerClosed
from ipcrt.io.fd_source import FdFile, FdStream
from ipcrt.io.modes import Mode
from ipcrt.io.seeking_source import SeekingSource
from ipcrt.io.source import Source
from ipcrt.io.sources import open_source, source_in
from ipcrt.io.stream_source import StreamSource
from ipcrt.io.ways import ThreadWaits, ThreadWays, run_now
from ipcrt.objects.vmo import Vmo
from tests.io.world import blocking_client, serving


@pytest.mark.parametrize(
    "uri, mode, kind",
    [
        ("mem:///x", "rb", SeekingSource),
        ("mem:///x", "r+b", SeekingSource),
        ("echo:", "r+b", StreamSource),
        ("fd:///x", "rb", FdFile),
        ("socket:", "rb", FdStream),
    ],
)
def test_what_the_server_gives_decides(uri: str, mode: str, kind: type[Source]) -> None:
    files = {"x": bytearray(b"1")}
    with serving("asyncio", files) as listen, blocking_client(listen) as client:
        source = run_now(open_source(ThreadWays(client), uri, Mode.parse(mode), 5))
        assert type(source) is kind
        source.close()
        client.close()
        with pytest.raises((PeerClosed, Exception)):
            run_now(open_source(ThreadWays(client), uri, Mode.parse(mode), 5))


def test_a_handle_that_is_refused_stays_where_it_was() -> None:
    with Vmo.from_bytes(b"") as vmo:
        vmo.restrict(vmo.rights & ~1 << 3)
        with pytest.raises(Exception, match="mode"):
            source_in(vmo, Mode.parse("r+b"), ThreadWaits())
        assert not vmo.closed
