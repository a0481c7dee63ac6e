"""What a policy grants to real processes, by where they run; and what explaining says of them."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

from ipcrt.locator.policy import Policy
from ipcrt.locator.policy_explain import explain
from ipcrt.locator.policy_subject import subject_of_process
from tests.locator.stage import NOBODY, Stage, let_others_in, needs_root
from tests.locator.test_credentials import Cgroups
from tests.support.waiting import wait_until

GROUP = f"ipcrt-test-policy-{os.getpid()}"

POLICY = f"""
[[rule]]
user = [0]
open = ["*"]
register = ["*"]

[[rule]]
cgroup = ["/{GROUP}/*"]
open = ["ipcrt.test/*"]
"""

# Becomes another user; at each line that it is told, connects and says what came of a call.
VISITOR = """
import os, sys
from ipcrt.errors import IpcError
from ipcrt.locator.connect import connect_blocking
from tests.locator.echo import EchoBlockingProxy
uid = int(sys.argv[2])
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
print("here", flush=True)
while sys.stdin.readline():
    with connect_blocking(sys.argv[1]) as locator, locator.open(EchoBlockingProxy) as echo:
        try:
            print(echo.echo("hello"), flush=True)
        except IpcError as error:
            print(type(error).__name__, flush=True)
"""


@pytest.fixture
def cgroups() -> Iterator[Cgroups]:
    with contextlib.closing(Cgroups()) as opened:
        yield opened


@needs_root
def test_where_it_runs_decides_when_it_comes_and_after_a_reload(
    stage: Stage, cgroups: Cgroups
) -> None:
    file = stage.policy(POLICY)
    daemon = stage.locator("--policy", file, "--mode", "666", "-v", alone=False)
    let_others_in(stage.path)
    stage.service()
    visitor = stage.spawn(VISITOR, stage.path, NOBODY.pw_uid)
    assert visitor.line() == "here"

    def visit() -> str:
        visitor.send("go")
        return visitor.line()

    def explained() -> bool:
        subject = subject_of_process(visitor.pid)
        text = file.read_text()
        return explain(Policy.parse(text, file), text, subject, "open", "ipcrt.test/Echo").allowed

    assert visit() == "AccessDenied"
    assert not explained()
    cgroups.add(f"{GROUP}/inner", visitor)
    if subject_of_process(visitor.pid).cgroup != f"/{GROUP}/inner":
        pytest.skip("another hierarchy tells the cgroups here")
    assert visit() == "hello"
    assert explained()

    def reload(text: str, says: str) -> None:
        file.write_text(text)
        daemon.child.kill(signal.SIGHUP)
        wait_until(lambda: daemon.log_lines(says))

    reload(POLICY.replace("cgroup", "cgruop"), "the old policy stays: ")
    [line] = daemon.log_lines("the old policy stays: ")
    assert line.endswith("unknown field `cgruop` - at `$.rule[1]` (line 8)")
    assert visit() == "hello"
    reload(POLICY.replace(f"/{GROUP}/*", f"/{GROUP}"), "policy read again")
    assert visit() == "AccessDenied"
    assert not explained()
