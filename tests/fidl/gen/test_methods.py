from __future__ import annotations

from pathlib import Path

import pytest

from ipcrt.wire.ordinals import method_ordinal
from tests.fidl.gen import sample
from tests.fidl.gen.compiling import compile_ir, load


def test_ordinals_are_those_of_the_ir(tmp_path: Path) -> None:
    ir = compile_ir(tmp_path, (Path(__file__).parent / "sample.fidl").read_text())
    for protocol, marker in zip(
        ir["protocol_declarations"], (sample.Base, sample.Player), strict=True
    ):
        assert [*marker.TABLE.by_ordinal] == [method["ordinal"] for method in protocol["methods"]]


def test_composed_methods_keep_the_selector_of_their_protocol() -> None:
    assert sample.PLAYER_ECHO.selector == "ipcrt.sample/Base.Echo"
    assert sample.PLAYER_CLOSE.selector == "ipcrt.sample/Base.Ended"
    assert sample.PLAYER_CLOSE.name == "close_"


def test_what_was_composed_far_away_keeps_its_ordinal(tmp_path: Path) -> None:
    texts = (
        "library ipcrt.far; open protocol A { flexible Do(); };",
        "library ipcrt.mid; using ipcrt.far; open protocol B { compose ipcrt.far.A; };",
        "library ipcrt.near; using ipcrt.mid; open protocol C { compose ipcrt.mid.B; };",
    )
    module = load(compile_ir(tmp_path, *texts), "generated_near")
    assert module.C_DO.ordinal == method_ordinal("ipcrt.far/A.Do")
    assert module.C_DO.name == "do"


def test_the_name_to_be_discovered_by() -> None:
    assert sample.Player.TABLE.name == "ipcrt.sample/TheOne"
    assert sample.Base.TABLE.name == "ipcrt.sample/Base"


def test_results() -> None:
    assert not sample.PLAYER_ECHO.has_result
    assert sample.PLAYER_DRAW.has_result
    assert sample.PLAYER_COUNT.raises is sample.Int32Failed
    assert sample.PLAYER_LIST.flags
    assert not sample.PLAYER_ON_TICK.flags


@pytest.mark.parametrize("transport", ["Syscall", "Banjo"])
def test_what_does_not_travel_over_channels_is_left_out(tmp_path: Path, transport: str) -> None:
    text = f'library ipcrt.kernel; @transport("{transport}") closed protocol P {{}};'
    assert not hasattr(load(compile_ir(tmp_path, text), "generated_kernel"), "P")
