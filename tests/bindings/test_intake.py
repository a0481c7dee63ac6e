"""The ways into a connection; what goes through them is in tests/_speedups/test_intake.py."""

from __future__ import annotations

import pytest

from ipcrt.bindings import connection as connection_module
from ipcrt.bindings import intake
from ipcrt.bindings.connection import Connection
from ipcrt.errors import Canceled
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort


def nothing(*_: object) -> None: ...


def never() -> bool:
    return False


def test_without_the_extension_the_ways_are_the_connections_own() -> None:
    ways = intake.Ways(nothing, never, nothing)
    assert intake._intake(ways, object(), lambda: None, 64) is ways


def test_a_connection_hands_its_ways_in_the_order_of_their_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The extension takes them by place."""
    given: list[tuple[intake.Ways, object]] = []

    def remember(ways: intake.Ways, connection: object, *_: object) -> intake.Ways:
        given.append((ways, connection))
        return ways

    near, far = Channel.create()
    monkeypatch.setattr(connection_module, "make_intake", remember)
    with BlockingPort() as port, far:
        connection = Connection("test", near, port, nothing, nothing, max_message_bytes=64)
        connection.resume()
        connection.close(Canceled("over"))
    ((ways, owner),) = given
    assert owner is connection
    assert ways._fields == ("readable", "nap", "handle_some")
    own = (connection._readable, connection._nap, connection._handle_some)
    assert tuple(ways) == own
