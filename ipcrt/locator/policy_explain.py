"""Explain: what a policy decides about a client, by which rule, and why the others do not.

The decision itself is the one that the locator makes: `Policy.judge`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from ipcrt.locator.policy import Action, Grant, Policy, Rule
from ipcrt.locator.policy_lines import lines_of
from ipcrt.locator.policy_subject import Subject


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule has to do with it."""

    number: int
    """From 1 on, as they stand in the file."""
    line: int | None
    """Where the rule begins; None where there is no file."""
    holds: bool
    """Whether all its conditions hold for the client."""
    pattern: str | None
    """Which of its patterns would grant it."""
    reasons: tuple[str, ...]
    """Why it does not grant it; empty where it does."""


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and what led to it."""

    allowed: bool
    action: Action
    name: str
    subject: Subject
    verdicts: tuple[Verdict, ...]
    grant: Grant
    without_rule: str | None = None
    """Why it is allowed though no rule grants it."""

    @property
    def granting(self) -> tuple[Verdict, ...]:
        """The rules that grant it."""
        return tuple(each for each in self.verdicts if not each.reasons)

    def as_document(self) -> dict[str, Any]:
        """Answer it as what JSON can say."""
        who = self.subject.who
        return {
            "allowed": self.allowed,
            "action": self.action,
            "name": self.name,
            "client": {
                "pid": who.pid or None,
                "uid": who.uid,
                "gid": who.gid,
                "groups": sorted(who.groups),
                "unit": self.subject.unit,
                "cgroup": self.subject.cgroup,
            },
            "without_rule": self.without_rule,
            "rules": [dataclasses.asdict(each) for each in self.verdicts],
            "limits": limits_set(self.grant),
        }


def explain(policy: Policy, text: str, subject: Subject, action: Action, name: str) -> Explanation:
    """Decide as the locator would, and say why; `text` is what the policy was read from, or ''."""
    grant = policy.judge(subject)
    lines = lines_of(text)
    verdicts = tuple(
        Verdict(index + 1, lines.get(("rule", index)), *_judged(rule, subject, action, name))
        for index, rule in enumerate(policy.rule)
    )
    namespace = grant.namespace
    asked = {
        "open": namespace.may_open,
        "register": namespace.may_register,
        "inspect": namespace.may_inspect,
    }
    allowed, without_rule = asked[action](name), None
    if action == "inspect" and not allowed and subject.who.uid == 0:
        allowed, without_rule = True, "root may read all diagnostics"
    return Explanation(allowed, action, name, subject, verdicts, grant, without_rule)


def limits_set(grant: Grant) -> dict[str, dict[str, int]]:
    """Answer the limits that policy sets for a client; the locator's own hold for the others."""
    found: dict[str, dict[str, int]] = {}
    for holder, quota in (("client", grant.quotas.client), ("uid", grant.quotas.uid)):
        limits = {key: value for key, value in msgspec.structs.asdict(quota).items() if value}
        if limits:
            found[holder] = limits
    return found


def _judged(
    rule: Rule, subject: Subject, action: Action, name: str
) -> tuple[bool, str | None, tuple[str, ...]]:
    """Answer whether a rule holds, what in it would grant this, and why it does not."""
    reasons = list(rule.misses(subject))
    holds = not reasons
    pattern = rule.granting(action, name)
    if pattern is None:
        patterns: list[str] = getattr(rule, action)
        like = " or ".join(map(repr, patterns))
        reasons.append(f"{name!r} is not like {like}" if patterns else f"it grants no {action}")
    return holds, pattern, tuple(reasons)
