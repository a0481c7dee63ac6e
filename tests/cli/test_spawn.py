from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import IPCRT, Command, start_service
from tests.support.processes import Child, Spawner

FILES = "ipcrt.files/Files"

# Lists its namespace, and says what becomes of names that it opens.
OPENER = """
import sys
from ipcrt.errors import IpcError
from ipcrt.locator.connect import connect_blocking
from ipcrt_services.files.bindings import FilesBlockingProxy
for name in sys.argv[1:]:
    with connect_blocking(FilesBlockingProxy, name) as files:
        try:
            with files.open("told").file as file:
                print(name, open(file.fileno(), closefd=False).read())
        except IpcError as error:
            print(name, type(error).__name__)
sys.exit(7)
"""


def test_a_command_opens_what_it_was_given(
    ipcrt: Command, path: Path, locator: Child, spawn_python: Spawner, tmp_path: Path
) -> None:
    del locator
    (tmp_path / "told").write_text("hello")
    arguments = ["--directory", tmp_path]
    start_service(spawn_python, path, "ipcrt_services.files", FILES, arguments)
    opener = [sys.executable, "-c", OPENER, FILES]
    ended = ipcrt("spawn", "--open", FILES, "--open", "a/B", *opener, "a/B", "c/D")
    assert ended.output.splitlines() == [f"{FILES} hello", "a/B NotFound", "c/D AccessDenied"]
    assert ended.status == 7
    refused = ipcrt("spawn", "--", *opener)
    assert refused.output == f"{FILES} AccessDenied\n"


@pytest.mark.parametrize(
    "command, status",
    [(["true"], 0), (["sh", "-c", "exit 3"], 3), (["sh", "-c", "kill -TERM $$"], 128 + 15)],
)
def test_it_answers_its_commands_status(ipcrt: Command, command: list[str], status: int) -> None:
    ended = ipcrt("spawn", *command)
    assert (ended.status, ended.output, ended.errors) == (status, "", "")


def test_no_such_command(ipcrt: Command) -> None:
    ended = ipcrt("spawn", "nonesuch")
    assert (ended.status, ended.output) == (1, "")
    assert ended.errors.startswith("ipcrt: start nonesuch: no such command")


def test_no_name_to_open(ipcrt: Command) -> None:
    assert ipcrt("spawn", "--open", "", "true").status == 1


def test_ctrl_c_is_for_the_command(ipcrt: Command) -> None:
    """It may take its time, and decides how it ends."""
    command = "import time\ntry:\n  print('ready', flush=True)\n  while True: time.sleep(0.01)\n"
    command += "except KeyboardInterrupt:\n  raise SystemExit(5)\n"
    process = subprocess.Popen(
        [*IPCRT, "spawn", sys.executable, "-c", command],
        env={**os.environ, **ipcrt.environment},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 5
