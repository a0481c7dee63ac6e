"""ipcrt policy: what a locator's policy decides, and whether it is good, without a locator."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ipcrt.cli.complaint import Misused
from ipcrt.cli.options import JsonOption

if TYPE_CHECKING:
    from ipcrt.locator.policy import Action, Policy
    from ipcrt.locator.policy_subject import Subject

INSTALLED: Final = Path("/etc/ipcrt/policy.toml")
"""What the shipped unit reads."""

policy: Final = typer.Typer(
    help="Explain what a policy decides, or check one. No locator is asked.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

PolicyOption = Annotated[
    Path, typer.Option("--policy", metavar="FILE", help="The policy, TOML.", show_default=True)
]


@policy.command()
def explain(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="open, register or inspect.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name, library/Protocol.")],
    *,
    file: PolicyOption = INSTALLED,
    pid: Annotated[
        int | None, typer.Option("--pid", metavar="PID", min=1, help="A process that is there.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="USER", help="A user's name or uid. Not given: you."),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option("--group", metavar="GROUP", help="A group or gid, beside the user's own."),
    ] = None,
    unit: Annotated[
        str | None, typer.Option("--unit", metavar="UNIT", help="The system unit it runs in.")
    ] = None,
    cgroup: Annotated[
        str | None, typer.Option("--cgroup", metavar="PATH", help="The control group it runs in.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Say whether a client may do something, by which rule, and why not by the others.

    Exit status: 0 allowed, 1 denied, 2 misused.
    """
    from ipcrt.cli.policy_text import explanation_lines
    from ipcrt.locator.policy_explain import explain as explain_decision

    subject = _subject(pid, user, group or [], unit, cgroup)
    loaded, text = _load(file)
    told = explain_decision(loaded, text, subject, _action(action), name)
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    if as_json:
        typer.echo(json.dumps({"policy": str(file), **told.as_document()}))
    else:
        for line in explanation_lines(told, str(file), colour=colour):
            typer.echo(line, color=True)
    return 0 if told.allowed else 1


@policy.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The policy, TOML.")] = INSTALLED,
    as_json: JsonOption = False,
) -> int:
    """Say what is wrong with a policy, and what looks wrong.

    Exit status: 0 good, warnings or not; 1 a locator would refuse it.
    """
    from ipcrt.errors import IpcError
    from ipcrt.locator.policy_check import check_policy

    try:
        loaded, text = _load(file)
    except IpcError as error:
        if not as_json:
            raise
        typer.echo(json.dumps({"policy": str(file), "error": str(error), "warnings": []}))
        return 1
    warnings = check_policy(loaded, text)
    if as_json:
        told = [{"line": each.line, "text": each.text} for each in warnings]
        typer.echo(json.dumps({"policy": str(file), "error": None, "warnings": told}))
        return 0
    for each in warnings:
        typer.echo(f"{file}:{each.line}: warning: {each.text}")
    typer.echo(f"{file}: {len(loaded.rule)} rules, {len(warnings)} warnings")
    return 0


def _load(file: Path) -> tuple[Policy, str]:
    from ipcrt.locator.policy import Policy, read_policy

    text = read_policy(file)
    return Policy.parse(text, file), text


def _action(word: str) -> Action:
    from ipcrt.locator.policy import ACTIONS

    for action in ACTIONS:
        if action == word:
            return action
    raise Misused(f"{word!r} is none of {', '.join(ACTIONS)}")


def _subject(
    pid: int | None, user: str | None, groups: list[str], unit: str | None, cgroup: str | None
) -> Subject:
    from ipcrt.locator.policy import gid_of
    from ipcrt.locator.policy_subject import subject_of_process, subject_of_user

    if pid is not None:
        if user is not None or groups or unit is not None or cgroup is not None:
            raise Misused("--pid says all about the client: give no other of its options")
        return subject_of_process(pid)
    gids: set[int] = set()
    for each in groups:
        gid = gid_of(int(each) if each.isdecimal() else each)
        if gid is None:
            raise Misused(f"there is no group {each!r}")
        gids.add(gid)
    return subject_of_user(user or str(os.geteuid()), frozenset(gids), unit, cgroup)
