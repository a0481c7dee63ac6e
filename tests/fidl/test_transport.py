"""What travels over which transport."""

from __future__ import annotations

import pytest

from tests.support.fidl import HANDLES, compile_text


@pytest.mark.parametrize(
    "transport, ids",
    [("Channel", ["fi-0118"]), ("Driver", []), ("Banjo", ["fi-0118"]), ("Syscall", ["fi-0118"])],
)
def test_driver_ends(transport: str, ids: list[str]) -> None:
    text = f"""
    @transport("Driver") protocol D {{}};
    @transport("{transport}") protocol P {{
        strict M(resource struct {{ a vector<box<resource struct {{ d client_end:D; }}>>:2; }});
    }};
    """
    assert compile_text(text).ids == ids


@pytest.mark.parametrize("transport", ["Channel", "Driver", "Banjo", "Syscall"])
def test_zircon_handles_travel_everywhere(transport: str) -> None:
    text = f"""library example;
    using zx;
    @transport("{transport}") protocol P {{ strict M(resource struct {{ h zx.Handle:VMO; }}); }};
    """
    assert compile_text(HANDLES, text).ok
