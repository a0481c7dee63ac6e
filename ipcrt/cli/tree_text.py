"""Trees as text for people, and as what `json` can write. Names and values are anybody's words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from ipcrt.cli.show import to_json
from ipcrt.cli.trees import Told
from ipcrt.inspect.tree import Histogram, Node, Property

Path = tuple[str, ...]


def lines_of(told: Told, before: Mapping[Path, str] | None = None) -> list[str]:
    """Show one tree, a line for each node and value.

    Values that differ from those of `before` (see `values_of`) are bold. Colours are escape
    sequences, which `typer.echo` leaves out where nobody would see them.
    """
    shown = [_headline(told)]
    if told.snapshot is None:
        return [*shown, f"  {safe(told.error)}"]
    for path, value in _walk(told.snapshot.root):
        indent, name = "  " * len(path), typer.style(safe(path[-1]), fg="cyan")
        if value is None:
            shown.append(f"{indent}{name}")
            continue
        changed = before is not None and before.get(path) != value
        shown.append(f"{indent}{name} = {typer.style(value, bold=True) if changed else value}")
    return shown


def values_of(told: Told) -> dict[Path, str]:
    """Answer all values as they are shown, by their paths."""
    if told.snapshot is None:
        return {}
    return {path: value for path, value in _walk(told.snapshot.root) if value is not None}


def as_json(told: Told) -> dict[str, Any]:
    """Answer one tree for machines; seconds are fractional, null where there is no number."""
    tree, snapshot = told.tree, told.snapshot
    known: dict[str, Any] = {
        "service": tree.service,
        "name": tree.name,
        "pid": tree.publisher.pid,
        "uid": tree.publisher.uid,
        "gid": tree.publisher.gid,
        "alive": tree.alive,
        "ended_s": None if tree.alive else tree.ended_ms / 1000,
        "stale": told.stale,
    }
    if snapshot is None:
        return known | {"error": told.error}
    return known | {
        "torn": snapshot.torn,
        "age_s": None if told.age_ns is None else told.age_ns / 1e9,
        "period_s": snapshot.period_ns / 1e9 or None,
        "used_bytes": snapshot.used_bytes,
        "dropped": snapshot.dropped,
        "tree": _plain(snapshot.root),
    }


def safe(text: str) -> str:
    """Answer `text` without anything that a terminal would obey."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _headline(told: Told) -> str:
    tree = told.tree
    title = typer.style(f"{safe(tree.service)} {safe(tree.name)}", bold=True)
    return f"{title}  pid {tree.publisher.pid} uid {tree.publisher.uid}  {', '.join(_marks(told))}"


def _marks(told: Told) -> Iterator[str]:
    if not told.tree.alive:
        yield typer.style(f"DEAD for {told.tree.ended_ms / 1000:.0f} s", fg="red")
    snapshot = told.snapshot
    if snapshot is None:
        yield typer.style("UNREADABLE", fg="red")
        return
    if snapshot.torn:
        yield typer.style("TORN", fg="red")
    if told.stale:
        yield typer.style("HANGS", fg="red")
    if snapshot.dropped:
        yield typer.style(f"{snapshot.dropped} dropped", fg="yellow")
    yield "live values" if told.age_ns is None else f"{told.age_ns / 1e9:.1f} s old"


def _walk(node: Node, above: Path = ()) -> Iterator[tuple[Path, str | None]]:
    """Answer paths and values, None for nodes; names that are used again get a number."""
    for name, each in _named(node):
        path = (*above, name)
        if isinstance(each, Property):
            yield path, _value_text(each)
        else:
            yield path, None
            yield from _walk(each, path)


def _named(node: Node) -> Iterator[tuple[str, Property | Node]]:
    used: dict[str, int] = {}
    members: list[Property | Node] = [*node.properties, *node.children]
    for each in members:
        count = used[each.name] = used.get(each.name, 0) + 1
        yield (each.name if count == 1 else f"{each.name}#{count}"), each


def _value_text(each: Property) -> str:
    value = each.value
    if isinstance(value, Histogram):
        return _histogram_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = safe(value)
    elif isinstance(value, bytes):
        text = value.hex(" ")
    elif isinstance(value, tuple):
        text = ", ".join(map(str, value))
    else:
        text = str(value)
    return f"{text}…" if each.cut else text


def _histogram_text(histogram: Histogram) -> str:
    """Show the counts that are not zero, each behind where its bucket begins."""
    bounds = histogram.bounds()
    begins = [f"<{bounds[0]}", *(f"{bound}:" for bound in bounds)]
    counts = zip(begins, histogram.counts, strict=True)
    return "  ".join(f"{begin} {count}" for begin, count in counts if count) or "empty"


def _plain(node: Node) -> dict[str, Any]:
    return {
        name: _plain(each) if isinstance(each, Node) else _json_value(each)
        for name, each in _named(node)
    }


def _json_value(each: Property) -> Any:
    if isinstance(each.value, float):
        return each.value if math.isfinite(each.value) else str(each.value)
    if isinstance(each.value, tuple):
        return [_finite(part) for part in each.value]
    return to_json(each.value, [])


def _finite(number: float) -> float | str:
    return number if math.isfinite(number) else str(number)
