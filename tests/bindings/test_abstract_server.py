from __future__ import annotations

import subprocess
import sys

import pytest

from ipcrt.bindings import server
from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.tables import Kind
from ipcrt.errors import PeerClosed
from tests.bindings.evolution import v1


def test_it_is_the_one_that_the_engine_serves() -> None:
    assert server.Server is Server


def test_it_is_defined_without_the_engine() -> None:
    code = (
        "import sys, ipcrt.bindings.abstract_server; print('ipcrt.bindings.server' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


def test_one_that_lacks_a_method_cannot_be_made() -> None:
    class Lacking(v1.StationServer): ...

    with pytest.raises(TypeError, match="abstract"):
        Lacking()  # type: ignore[abstract]


def test_what_is_not_overridden(caplog: pytest.LogCaptureFixture) -> None:
    class Silent(Server[v1.Station]):
        PROTOCOL = v1.Station

    silent = Silent()
    assert str(silent) == v1.Station.TABLE.name
    assert not silent.SEQUENTIAL
    silent.client_gone(PeerClosed("gone"))
    with caplog.at_level("INFO"):
        silent.unknown_method(5, Kind.ONE_WAY)
    assert caplog.messages == [f"{v1.Station.TABLE.name}: unknown one-way method 0x5"]
