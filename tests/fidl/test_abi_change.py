from __future__ import annotations

import pytest

from ipcrt.fidl.abi_change import Change, Party, Severity, Side, new, old


@pytest.mark.parametrize(
    "change, severity",
    [
        (Change("field-added", "a", ""), Severity.COMPATIBLE),
        (Change("field-removed", "a", "", source=Side.BOTH), Severity.BREAKING),
        (Change("const-changed", "a", "", source=Side.BOTH), Severity.CAUTION),
        (Change("openness-narrowed", "a", ""), Severity.CAUTION),
        (Change("method-added", "a", "", wire=Party.OLD_SERVER), Severity.BREAKING),
    ],
)
def test_severity(change: Change, severity: Severity) -> None:
    assert change.severity is severity


def test_sides_and_parties() -> None:
    assert Side.CLIENT.other is Side.SERVER
    assert Side.BOTH.other is Side.BOTH
    assert old(Side.BOTH) == Party.OLD_CLIENT | Party.OLD_SERVER
    assert new(Side.CLIENT) == Party.NEW_CLIENT
    assert (old(Side.SERVER) | new(Side.CLIENT)).names == ["new client", "old server"]
    assert Side.BOTH.names == ["client", "server"]


def test_a_change_says_whom_it_breaks() -> None:
    change = Change("rights-raised", "t/S.a", "more", Side.CLIENT, Party.NEW_SERVER)
    assert change.render() == (
        "breaking: t/S.a: more [rights-raised]\n"
        "  breaks on the wire: new server; in source: client\n"
        f"  why: {change.reason}"
    )
