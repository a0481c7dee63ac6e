"""Where the locator is looked for."""

from __future__ import annotations

import os

import pytest

from ipcrt.locator.paths import default_path
from tests.support.processes import Spawner


def test_default_path_of_root(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("this process is not root")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/0")
    assert default_path() == "/run/ipcrt/locator"


@pytest.mark.parametrize(
    "runtime, expected",
    [
        ("/run/user/1000", "/run/user/1000/ipcrt/locator"),
        ("relative", "/run/ipcrt/locator"),
        ("", "/run/ipcrt/locator"),
    ],
)
def test_default_path_of_a_user(runtime: str, expected: str, spawn_python: Spawner) -> None:
    child = spawn_python(
        "import os\nfrom ipcrt.locator.paths import default_path\n"
        "if os.geteuid() == 0: os.setresuid(4242, 4242, 4242)\nprint(default_path())",
        environment={"XDG_RUNTIME_DIR": runtime},
    )
    assert child.finish().strip() == expected
