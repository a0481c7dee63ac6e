from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ipcrt.fidl.gen import backends
from ipcrt.fidl.gen.module import Options, generate


def test_ours_is_always_there() -> None:
    assert backends.find() is generate
    assert backends.names()[0] == "python"


def test_another_package_brings_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shouting.py").write_text(
        "def generate(ir, options):\n    return ir['name'].upper() + options.package_prefix\n"
    )
    about = tmp_path / "shouting-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[ipcrt.fidl.backends]\nshout = shouting:generate\nbroken = nowhere:generate\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert backends.names() == ["python", "broken", "shout"]
    assert backends.find("shout")({"name": "a.b"}, Options("!")) == "A.B!"
    with pytest.raises(backends.NoBackend, match="nowhere"):
        backends.find("broken")
    sys.modules.pop("shouting", None)


def test_one_that_nobody_brings() -> None:
    with pytest.raises(backends.NoBackend, match="no back end 'rust'"):
        backends.find("rust")
