from __future__ import annotations

from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.int_errors import Int32Failed
from ipcrt.bindings.tables import Openness
from ipcrt_services.kvstore import bindings as kvstore
from tests.fidl.gen import sample


def test_tables() -> None:
    assert sample.Base.TABLE.openness is Openness.CLOSED
    assert sample.Player.TABLE.openness is Openness.OPEN
    assert {event.name for event in sample.Player.TABLE.events.values()} == {
        "on_shape",
        "on_tick",
        "on_rewound",
    }


def test_exceptions_are_named_after_their_enums() -> None:
    assert sample.PlayFailed.ERROR is sample.PlayError
    assert issubclass(sample.PlayerJudgeFailed, DomainError)
    assert issubclass(sample.Int32Failed, Int32Failed)


def test_the_contract_may_name_an_exception_itself() -> None:
    assert kvstore.IterateFailed.ERROR is kvstore.IterateConnectionError


def test_services_name_their_members() -> None:
    assert sample.Orchestra.NAME == "ipcrt.sample/Orchestra"
    assert {"first": sample.Player, "second": sample.Player} == sample.Orchestra.MEMBERS
