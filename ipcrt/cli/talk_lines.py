"""The lines of a talk: METHOD ARGUMENT..., `wait SECONDS` or `wait EVENT`, comments."""

from __future__ import annotations

import dataclasses
import math
import re
import shlex
from collections.abc import Iterable
from typing import Any, Final

from msgspec import inspect

from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.table import Table, members_of
from ipcrt.bindings.tables import Method
from ipcrt.bindings.union import UnknownVariant, Variant
from ipcrt.cli.complaint import Misused
from ipcrt.cli.members import fidl_name, find_member, variant_name

WAIT: Final = "wait"
LONGEST_WAIT_S: Final = 86400.0

_WORD: Final = re.compile(r"""\s*(#|(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+)""")


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """`wait 0.5`, or `wait on_drawn`: one of the two is given."""

    seconds: float | None
    event: Method[Any, Any] | None


def split_line(line: str) -> list[str]:
    """Answer a line's words, as a shell would read them; `#` before a word begins a comment.

    Raises: Misused: a quote is not closed.
    """
    end = 0
    while match := _WORD.match(line, end):
        if match[1].startswith("#"):
            line = line[: match.start(1)]
            break
        end = match.end()
    try:
        return shlex.split(line)
    except ValueError as error:
        raise Misused(f"{line.strip()!r}: {error}") from None


def read_wait(protocol: type[Protocol], arguments: list[str]) -> Wait:
    """Read what stands behind `wait`. Raises: Misused."""
    events = {event.name: event for event in protocol.TABLE.events.values()}
    names = ", ".join(sorted(events)) or "it has none"
    if len(arguments) != 1:
        raise Misused(f"wait takes seconds, or the name of an event: {names}")
    [given] = arguments
    name = find_member(given, events)
    if name is not None:
        return Wait(None, events[name])
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_WAIT_S:
        raise Misused(
            f"wait: expected seconds, up to {LONGEST_WAIT_S:.0f}, or an event of "
            f"{protocol.TABLE.name} ({names}), got {given!r}"
        )
    return Wait(seconds, None)


def complete(protocol: type[Protocol], before: str, word: str) -> list[str]:
    """Answer how `word` may go on behind `before`: methods first, then arguments."""
    methods = {method.name: method for method in protocol.TABLE.requests.values()}
    events = [event.name for event in protocol.TABLE.events.values()]
    first = before.split()[:1]
    if not first:
        return _beginning(word, [*methods, WAIT], " ")
    if first == [WAIT]:
        return _beginning(word, events, "")
    name = find_member(first[0], methods)
    if name is None:
        return []
    return _beginning(word, arguments_of(methods[name].request.type), "=")


def arguments_of(request: Any) -> list[str]:
    """Answer the FIDL names of the members that a request may be given by."""
    info = inspect.type_info(request)
    if isinstance(info, inspect.CustomType) and issubclass(info.cls, Table):
        return [fidl_name(each.name) for each in members_of(info.cls).values()]
    if isinstance(info, inspect.StructType) and not issubclass(info.cls, Variant):
        return [fidl_name(field.name) for field in info.fields]
    types = info.types if isinstance(info, inspect.UnionType) else (info,)
    variants = [each.cls for each in types if isinstance(each, inspect.StructType)]
    return [variant_name(each) for each in variants if not issubclass(each, UnknownVariant)]


def _beginning(word: str, names: Iterable[str], behind: str) -> list[str]:
    return [name + behind for name in sorted(names) if name.startswith(word)]
