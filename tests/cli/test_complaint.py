from __future__ import annotations

import typer

from ipcrt.cli.complaint import Misused, complaint, exit_status
from ipcrt.errors import InvalidArgs, IpcError, PeerClosed, Status


def test_an_error_names_its_status_once() -> None:
    assert complaint(PeerClosed("gone")) == "gone (PEER_CLOSED)"
    assert complaint(PeerClosed()) == "PEER_CLOSED"


def test_a_domain_error_needs_no_status() -> None:
    assert complaint(IpcError("Store.Write: EXISTS", Status.OK)) == "Store.Write: EXISTS"


def test_an_error_of_the_system_names_the_file() -> None:
    error = FileNotFoundError(2, "No such file or directory", "/x")
    assert complaint(error) == "/x: No such file or directory"
    assert exit_status(error) == 1


def test_misuse_is_status_2() -> None:
    for error in (Misused("what"), typer.BadParameter("what")):
        assert exit_status(error) == 2
        assert complaint(error).endswith("what")


def test_whatever_it_is_it_is_one_line() -> None:
    assert complaint(InvalidArgs("one\n  two")) == "one two (INVALID_ARGS)"
    assert complaint(ZeroDivisionError("a\nb")) == "unexpected ZeroDivisionError: a b"


def test_an_interruption_is_status_130() -> None:
    assert exit_status(typer.Abort()) == 130
    assert complaint(typer.Abort()) == "interrupted"
