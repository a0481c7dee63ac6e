"""The shipped services from their template unit, behind the locator, with the shipped policy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.waiting import wait_until
from tests.systemd.box import ROOT, Box

pytestmark = pytest.mark.systemd

SOCKET = "ipcrt-locatord.socket"
LOCATOR = "ipcrt-locatord.service"
KVSTORE = "ipcrt-service@kvstore.service"
FILES = "ipcrt-service@files.service"
POLICY = "/etc/ipcrt/policy.toml"
USERS = '\n[[rule]]\nuser = ["daemon"]\nopen = ["ipcrt.kvstore/*", "ipcrt.files/*"]\n'

WRITE = """
from ipcrt.locator.connect import connect_blocking
from ipcrt_services.kvstore.bindings import Item, StoreBlockingProxy
with connect_blocking() as locator, locator.open(StoreBlockingProxy) as store:
    store.write_item(Item("test/key", b"value"))
"""

READ = """
from ipcrt.locator.connect import connect_blocking
from ipcrt_services.kvstore.bindings import StoreBlockingProxy
with connect_blocking() as locator, locator.open(StoreBlockingProxy) as store:
    print(bytes(store.read_item("test/key").value).decode())
"""

OPEN = """
import os
from ipcrt.locator.connect import connect_blocking
from ipcrt_services.files.bindings import FilesBlockingProxy
with connect_blocking() as locator, locator.open(FilesBlockingProxy) as files:
    with files.open("directory/file").file as file:
        print(os.getuid() == os.fstat(file.fileno()).st_uid, os.read(file.fileno(), 100).decode())
"""

INSPECTORS = '\n[[rule]]\nuser = ["daemon"]\ninspect = ["ipcrt.files/*"]\n'

TREES = """
from ipcrt.locator.connect import connect_blocking
with connect_blocking() as locator:
    print(len(locator.proxy.get_trees(0).trees))
"""

REFUSED = """
from ipcrt.errors import IpcError
from ipcrt.locator.connect import connect_blocking
from ipcrt_services.kvstore.bindings import StoreBlockingProxy
with connect_blocking() as locator, locator.open(StoreBlockingProxy) as store:
    try:
        store.read_item("test/key")
    except IpcError as error:
        print(error.status.name)
"""


@pytest.fixture
def services(box: Box) -> Iterator[Box]:
    """The box with both services started, which starts the locator."""
    box.write(POLICY, (ROOT / "systemd" / "policy.toml").read_text() + USERS)
    try:
        box.run("systemctl", "start", KVSTORE, FILES)
        yield box
    finally:
        box.run("systemctl", "stop", KVSTORE, FILES, SOCKET, LOCATOR)
        box.run("rm", "-rf", POLICY, "/var/lib/ipcrt", "/var/lib/private/ipcrt")
        box.attempt("systemctl", "reset-failed")


def test_each_runs_as_a_user_of_its_own(services: Box) -> None:
    for unit, user in ((KVSTORE, "ipcrt-kvstore"), (FILES, "ipcrt-files")):
        assert services.show(unit, "ActiveState") == "active"
        process = f"/proc/{services.show(unit, 'MainPID')}"
        assert services.run("stat", "--format=%U", process).strip() == user


def test_what_was_written_survives_a_kill(services: Box) -> None:
    services.python(WRITE, "daemon")
    first = services.show(KVSTORE, "MainPID")
    services.run("systemctl", "kill", "--signal=KILL", KVSTORE)
    services.run("systemctl", "start", KVSTORE)  # returns when it is ready
    assert services.show(KVSTORE, "MainPID") != first
    assert services.python(READ, "daemon") == "value\n"


def test_stop_is_clean_and_start_finds_the_items_again(services: Box) -> None:
    services.python(WRITE)
    services.run("systemctl", "stop", KVSTORE)
    assert services.show(KVSTORE, "Result") == "success"
    services.run("systemctl", "start", KVSTORE)
    assert services.python(READ) == "value\n"


def test_files_hands_over_what_the_client_could_not_open(services: Box) -> None:
    services.write("/var/lib/ipcrt/files/directory/file", "content")
    assert services.python(OPEN, "daemon") == "False content\n"


def test_who_is_not_named_in_the_policy_is_refused(services: Box) -> None:
    assert services.python(REFUSED, "nobody") == "ACCESS_DENIED\n"


def test_a_service_may_offer_its_own_name_only(services: Box) -> None:
    """Under the name of another it ends with the reason, instead of being taken for it."""
    drop_ins = f"/run/systemd/system/{FILES}.d"
    command = "/opt/ipcrt/bin/python -m ipcrt_services.files --name ipcrt.kvstore/Store"
    services.run("systemctl", "stop", FILES, KVSTORE)
    services.write(
        f"{drop_ins}/name.conf", f"[Service]\nRestart=no\nExecStart=\nExecStart={command}\n"
    )
    services.run("systemctl", "daemon-reload")
    try:
        assert services.attempt("systemctl", "start", FILES).returncode == 1
        assert services.show(FILES, "ExecMainStatus") == "1"
        assert "ACCESS_DENIED" in services.run("journalctl", "--unit", FILES)
    finally:
        services.run("rm", "-r", drop_ins)
        services.run("systemctl", "daemon-reload")


def _inspect(box: Box, *arguments: str) -> dict[int, dict[str, Any]]:
    """What root sees of whom, by process."""
    found = json.loads(box.run("/opt/ipcrt/bin/ipcrt", "inspect", "--json", *arguments))
    return {tree["pid"]: tree for tree in found}


def test_what_they_tell_of_themselves_can_be_read_also_after_a_kill(services: Box) -> None:
    units = (LOCATOR, KVSTORE, FILES)
    locator, store, files = (int(services.show(unit, "MainPID")) for unit in units)
    trees = _inspect(services)
    assert set(trees) == {locator, store, files}
    assert all(tree["alive"] and not tree["torn"] for tree in trees.values())
    assert trees[store]["tree"]["service"]["process"]["pid"] == store
    services.run("systemctl", "kill", "--signal=KILL", KVSTORE)
    services.run("systemctl", "start", KVSTORE)
    trees = _inspect(services, "ipcrt.kvstore/*")
    assert [trees[store]["alive"], len(trees)] == [False, 2]
    assert trees[store]["tree"]["service"]["process"]["pid"] == store


def test_a_user_whom_policy_does_not_name_sees_none_of_it(services: Box) -> None:
    assert services.python(TREES, "daemon") == "0\n"
    services.write(POLICY, services.run("cat", POLICY) + INSPECTORS)
    services.run("systemctl", "reload-or-restart", LOCATOR)
    wait_until(lambda: services.python(TREES, "daemon") == "1\n", 30)
