from __future__ import annotations

from pathlib import Path

import pytest

from ipcrt.errors import InvalidArgs
from ipcrt_services.monado.settings import FILE, Settings, load


def test_without_a_file_the_usual_settings_hold(tmp_path: Path) -> None:
    assert load(str(tmp_path)) == Settings()


def test_what_is_set_holds_and_clients_are_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("view_width = 64\nview_height = 48\nrate_hz = 30\n")
    settings = load(str(tmp_path))
    assert settings == Settings(64, 48, 30, 3)
    info = settings.info()
    assert (info.view_count, info.view_width, info.view_height) == (2, 64, 48)
    assert info.period_ns == settings.period_ns == 33_333_333


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("view_width = 0", "view_width = 0 is not a number from 16 to 1024"),
        ("view_height = 5000", "view_height = 5000 is not a number"),
        ('rate_hz = "fast"', "rate_hz = 'fast' is not a number from 1 to 1000"),
        ("compose_every = 0.5", "compose_every = 0.5 is not a number"),
        ("colour = 1", "nothing is called colour"),
        ("view_width =", FILE),
        ("\x00", FILE),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(InvalidArgs, match=complaint):
        load(str(tmp_path))
