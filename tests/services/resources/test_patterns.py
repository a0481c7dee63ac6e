from __future__ import annotations

import pytest

from ipcrt.errors import InvalidArgs
from ipcrt_services.resources.patterns import LOOPBACK, HostPatterns, ProgramPatterns


@pytest.mark.parametrize(
    "patterns, host, port, expected",
    [
        (LOOPBACK, "127.0.0.1", 80, True),
        (LOOPBACK, "LocalHost", 80, True),
        (LOOPBACK, "::1", 80, True),
        (LOOPBACK, "127.0.0.2", 80, False),
        (LOOPBACK, "localhost.example.org", 80, False),
        (["*.example.org:443"], "a.example.org", 443, True),
        (["*.example.org:443"], "a.example.org", 80, False),
        (["*.example.org:443"], "example.org", 443, False),
        (["*:*"], "anything", 1, True),
        ([], "127.0.0.1", 80, False),
    ],
)
def test_hosts(patterns: list[str], host: str, port: int, *, expected: bool) -> None:
    assert HostPatterns(patterns).allow(host, port) is expected


@pytest.mark.parametrize("pattern", ["", "host", "host:", ":80", "host:http", "host:٣"])
def test_no_pattern_of_hosts(pattern: str) -> None:
    with pytest.raises(InvalidArgs):
        HostPatterns([pattern])


@pytest.mark.parametrize(
    "patterns, program, expected",
    [
        (["/bin/echo"], "/bin/echo", True),
        (["/bin/echo"], "/bin/echoes", False),
        (["/bin/*"], "/bin/echo", True),
        (["/bin/*"], "/bin/sub/echo", False),
        (["/bin/*"], "/usr/bin/echo", False),
        (["/bin/*"], "/bin/../sbin/reboot", False),
        (["/bin/*"], "/bin/..", False),
        (["/bin/*"], "/bin//echo", False),
        (["/bin/*"], "/bin/", False),
        ([], "/bin/echo", False),
    ],
)
def test_programs(patterns: list[str], program: str, *, expected: bool) -> None:
    assert ProgramPatterns(patterns).allow(program) is expected


def test_no_pattern_of_programs() -> None:
    with pytest.raises(InvalidArgs):
        ProgramPatterns(["bin/echo"])
