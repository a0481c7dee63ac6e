from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Command, start_service
from tests.support.processes import Child, Spawner


def test_lists_names_for_people_and_machines(
    ipcrt: Command, path: Path, locator: Child, spawn_python: Spawner, tmp_path: Path
) -> None:
    del locator
    assert ipcrt("list").output == ""
    assert ipcrt("list", "--json").output == "[]\n"
    start_service(
        spawn_python,
        path,
        "ipcrt_services.files",
        "ipcrt.files/Files",
        ["--directory", tmp_path],
    )
    ended = ipcrt("list")
    assert (ended.status, ended.output, ended.errors) == (0, "ipcrt.files/Files\n", "")
    found = json.loads(ipcrt("list", "--json").output)
    assert found == [{"name": "ipcrt.files/Files", "state": "REGISTERED"}]
