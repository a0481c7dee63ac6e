"""Check: what is suspicious in a policy that is good as far as its grammar goes.

Errors are `Policy.parse`'s. Here is what a locator takes as it stands, though hardly anybody means
it. Users and groups may be missing for a good reason: a unit's dynamic user exists only while it
runs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Final

from ipcrt.locator.limits import Quotas, Resource
from ipcrt.locator.policy import Policy, Rule, gid_of, uid_of
from ipcrt.locator.policy_lines import Place, line_at, lines_of

_SPOOFED: Final = "whoever may make cgroups of its own can make one that is like it"


@dataclasses.dataclass(frozen=True, slots=True)
class Warned:
    """One thing to look at again, and the line where it stands."""

    line: int | None
    text: str


def check_policy(policy: Policy, text: str) -> list[Warned]:
    """Answer what is suspicious, in the order of the lines; `text` is the policy's."""
    lines = lines_of(text)
    found = [
        Warned(line_at(lines, place), said)
        for place, said in (*_of_limits(("limits",), policy.limits), *_of_rules(policy.rule))
    ]
    return sorted(found, key=lambda warned: warned.line or 0)


def _of_rules(rules: Iterable[Rule]) -> Iterator[tuple[Place, str]]:
    for index, rule in enumerate(rules):
        place: Place = ("rule", index)
        for key, said in (*_of_people(rule), *_of_places(rule), *_of_names(rule)):
            yield (*place, key), said
        yield from _of_limits((*place, "limits"), rule.limits)
        if not (rule.open or rule.register or rule.inspect) and rule.limits == Quotas():
            yield place, "the rule grants nothing and sets no limit"


def _of_people(rule: Rule) -> Iterator[tuple[str, str]]:
    for key, wanted, look_up in (("user", rule.user, uid_of), ("group", rule.group, gid_of)):
        for each in wanted or ():
            if look_up(each) is None:
                yield key, f"there is no {key} {each!r} now"


def _of_places(rule: Rule) -> Iterator[tuple[str, str]]:
    for key in ("user", "group", "unit", "cgroup"):
        wanted: list[int | str] | None = getattr(rule, key)
        if wanted is not None and not wanted:
            yield key, f"nobody is in no {key}: the rule never holds"
    for each in rule.unit or ():
        if not each.endswith((".service", "*")):
            yield "unit", f"{each!r} is no service: only services are told apart"
    for each in rule.cgroup or ():
        if not each.startswith("/"):
            yield "cgroup", f"{each!r} does not begin with '/': {_SPOOFED}"


def _of_names(rule: Rule) -> Iterator[tuple[str, str]]:
    for key in ("open", "register", "inspect"):
        patterns: list[str] = getattr(rule, key)
        for each in patterns:
            if not any(sign in each for sign in "/*?["):
                yield key, f"no name is like {each!r}: names are library/Protocol"


def _of_limits(place: Place, limits: Quotas) -> Iterator[tuple[Place, str]]:
    for resource in Resource:
        client, uid = limits.client.get(resource), limits.uid.get(resource)
        if client is not None and uid is not None and client > uid:
            yield (
                (*place, "client", resource.value),
                f"a client may not hold {client} {resource.value}: its uid may hold {uid}",
            )
