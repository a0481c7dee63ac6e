"""What the policy verbs print for people."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Iterator
from typing import Final

from ipcrt.locator.policy_explain import Explanation, Verdict, limits_set
from ipcrt.locator.policy_subject import Subject

_COLOURS: Final = {"allowed": "\x1b[1;32m", "denied": "\x1b[1;31m"}
_PLAIN: Final = "\x1b[0m"


def explanation_lines(told: Explanation, file: str, *, colour: bool) -> Iterator[str]:
    """Answer the lines that say what is decided, by what, and why not otherwise."""
    word = "allowed" if told.allowed else "denied"
    shown = f"{_COLOURS[word]}{word}{_PLAIN}" if colour else word
    yield f"{shown}: {told.action} {told.name}"
    yield f"  client: {_client(told.subject)}"
    if told.without_rule is not None:
        yield f"  without a rule: {told.without_rule}"
    for verdict in told.granting:
        yield f"  by {_rule(verdict, file)}: {verdict.pattern!r}"
    if not told.allowed:
        yield "  no rule grants it, and what is not granted is denied"
    for verdict in told.verdicts:
        if verdict.reasons:
            holds = "holds, but" if verdict.holds else "does not hold:"
            yield f"  not by {_rule(verdict, file)}: it {holds} {'; '.join(verdict.reasons)}"
    for holder, limits in limits_set(told.grant).items():
        listed = ", ".join(f"{name} {limit}" for name, limit in limits.items())
        yield f"  limits of its {holder}: {listed}"


def _rule(verdict: Verdict, file: str) -> str:
    where = f"{file}:{verdict.line}" if verdict.line else file
    return f"rule {verdict.number} ({where})"


def _client(subject: Subject) -> str:
    who = subject.who
    groups = ", ".join(f"{gid}{_named(_group_name(gid))}" for gid in sorted(who.groups))
    pid = f"pid {who.pid}, " if who.pid else ""
    return (
        f"{pid}uid {who.uid}{_named(_user_name(who.uid))}, groups {groups}, "
        f"unit {_shown(subject.unit)}, cgroup {_shown(subject.cgroup)}"
    )


def _shown(value: str | None) -> str:
    """Answer what a terminal may see of a name that somebody else chose."""
    return "none" if value is None else value if value.isprintable() else repr(value)


def _named(name: str | None) -> str:
    return f" ({name})" if name else ""


def _user_name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return None


def _group_name(gid: int) -> str | None:
    try:
        return grp.getgrgid(gid).gr_name
    except (KeyError, OverflowError):
        return None
