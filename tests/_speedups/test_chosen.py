from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from ipcrt._speedups.chosen import REVISION
from ipcrt.bindings import connection, outbox
from ipcrt.objects import _scm
from tests._speedups.twins import is_built, native

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
from ipcrt._speedups import chosen
from ipcrt.bindings import connection, outbox
from ipcrt.objects import _scm
from ipcrt.wire import frames
print(chosen.ACTIVE, _scm.lend_packets is _scm.PacketSocket, frames.encode is frames._encode)
"""
HIDE = "import sys; sys.modules['ipcrt._speedups._native'] = None"
CAN_BUILD = shutil.which("cc") and Path(sysconfig.get_path("include"), "Python.h").is_file()


def chosen(pure: str | None, before: str = "") -> list[str]:
    """What a fresh process prints that has `pure` for IPCRT_PURE."""
    environment = {name: value for name, value in os.environ.items() if name != "IPCRT_PURE"}
    if pure is not None:
        environment["IPCRT_PURE"] = pure
    return subprocess.run(
        [sys.executable, "-c", before + SHOW],
        env=environment,
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.split()


@pytest.mark.skipif(not CAN_BUILD, reason="no compiler, or no Python headers")
def test_the_extension_is_built_where_it_can_be() -> None:
    assert is_built()


@pytest.mark.parametrize("pure", [None, "", "0"])
def test_the_extension_is_used_where_it_was_built(pure: str | None) -> None:
    native()
    assert chosen(pure) == ["True", "False", "False"]


def test_the_environment_chooses_pure_python() -> None:
    assert chosen("1") == ["False", "True", "True"]


def test_without_the_extension_all_is_pure() -> None:
    assert chosen(None, HIDE) == ["False", "True", "True"]


def test_the_extension_of_another_revision_is_left_unused() -> None:
    native()
    older = "from ipcrt._speedups import _native; _native.REVISION = 0"
    assert chosen(None, older) == ["False", "True", "True"]


def test_the_twins_have_the_same_limits() -> None:
    assert native().REVISION == REVISION
    assert native().MAX_PACKET_BYTES == _scm.MAX_PACKET_BYTES
    assert native().MAX_FDS == _scm.MAX_FDS
    assert native().MAX_SHARING == outbox._MAX_SHARING
    assert native().MAX_SHARED_BYTES == outbox._MAX_SHARED_BYTES
    assert native().LONGEST_US == outbox._LONGEST_S * 1e6
    assert native().MESSAGES_PER_TURN == connection._MESSAGES_PER_TURN


def test_a_twin_that_is_not_there_is_loud() -> None:
    with pytest.raises(LookupError, match="nothing is called unheard_of in C"):
        native().twin("unheard_of", print)
