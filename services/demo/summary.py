"""The summary for people: latencies, descriptors and memory of each process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ipcrt_services.demo.results import CrowdResult, Results


def summary(results: Results) -> Iterator[str]:
    """Answer the lines of the summary."""
    yield ""
    yield from _table(
        ("call", "count", "p50", "p99"),
        [
            (each.kind, str(each.count), _time(each.p50_us), _time(each.p99_us))
            for each in results.latencies
        ],
    )
    yield ""
    yield from _table(
        ("process", "pid", "fds before", "after", "", "RSS", "PSS"),
        [
            (
                each.name,
                str(each.pid),
                str(len(each.before)),
                str(len(each.after)),
                "no fd leaked" if not each.leaked else "LEAKED " + ", ".join(each.leaked),
                f"{each.memory.rss / 1024:.1f} MiB",
                f"{each.memory.pss / 1024:.1f} MiB",
            )
            for each in results.processes
        ],
    )
    if results.crowd is not None:
        yield ""
        yield from _crowd(results.crowd)


def _crowd(crowd: CrowdResult) -> Iterator[str]:
    yield f"{crowd.clients} clients at once, each with a connection of its own to one locator"
    yield f"  connected      {crowd.connects_per_s:,.0f} a second, the first call included"
    yield f"  called         {crowd.calls} calls, {crowd.calls_per_s:,.0f} a second"
    yield (
        f"  idle client    {crowd.rss_per_client_kib:.1f} KiB RSS, "
        f"{crowd.pss_per_client_kib:.1f} KiB PSS in the locator"
    )
    yield f"  over the limit {crowd.refused} refused: {crowd.refusal}; the others called on"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lay out columns: the first to the left, those with numbers to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = [
            cell.rjust(width) if column and _is_number(rows, column) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _is_number(rows: Sequence[Sequence[str]], column: int) -> bool:
    return all(row[column][:1].isdecimal() for row in rows)


def _time(us: float) -> str:
    return f"{us:.0f} us" if us < 10_000 else f"{us / 1000:.0f} ms"
