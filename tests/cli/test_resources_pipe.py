"""What `ipcrt pipe` tells; `test_pipe` has the whole of it."""

from __future__ import annotations

from ipcrt.cli.resources_pipe import Copied


def test_a_rate_is_bytes_a_second() -> None:
    assert Copied(10, 0.5, by_server=True).rate == 20.0
    assert Copied(0, 0.0, by_server=True).rate == 0.0
