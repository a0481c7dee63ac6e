"""Bar charts as SVG: readable on light and on dark pages, with nothing but text and rectangles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from scripts.bench.perf.row import Kind

LABEL_PX: Final = 230
BAR_PX: Final = 400
VALUE_PX: Final = 130
LINE_PX: Final = 22
HEAD_PX: Final = 58
NAMESPACE: Final = 'xmlns="http://www.w3.org/2000/svg"'
CLASSES: Final = {
    Kind.FLOOR: "floor",
    Kind.OWN: "own",
    Kind.SYNC_PEER: "sync",
    Kind.ASYNC_PEER: "async",
}
LEGEND: Final = {
    Kind.FLOOR: "what it is built on",
    Kind.OWN: "ipcrt",
    Kind.SYNC_PEER: "others, blocking",
    Kind.ASYNC_PEER: "others, asynchronous",
}
STYLE: Final = """\
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 15px; }
.floor { fill: #8c959f; } .own { fill: #0969da; } .sync { fill: #bf8700; } .async { fill: #cf222e; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .floor { fill: #6e7681; } .own { fill: #58a6ff; }
  .sync { fill: #d29922; } .async { fill: #f85149; }
}"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, as long as its value is large."""

    label: str
    kind: Kind
    value: float
    text: str
    """The value in words, beside the bar."""


def draw(title: str, bars: Sequence[Bar]) -> str:
    """Answer the SVG of a chart."""
    width = LABEL_PX + BAR_PX + VALUE_PX
    height = HEAD_PX + LINE_PX * len(bars) + 8
    box = f"0 0 {width} {height}"
    lines = [
        f'<svg {NAMESPACE} role="img" viewBox="{box}" width="{width}" height="{height}">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{STYLE}\n</style>",
        f'<text class="title" x="8" y="20">{escape(title)}</text>',
        *_legend(bars),
    ]
    longest = max((bar.value for bar in bars), default=0.0) or 1.0
    for number, bar in enumerate(bars):
        lines += _bar(bar, HEAD_PX + LINE_PX * number, bar.value / longest)
    return "\n".join([*lines, "</svg>", ""])


def _legend(bars: Sequence[Bar]) -> list[str]:
    lines: list[str] = []
    x = 8
    for kind in Kind:
        if any(bar.kind is kind for bar in bars):
            lines.append(f'<rect class="{CLASSES[kind]}" x="{x}" y="32" width="12" height="12"/>')
            lines.append(f'<text x="{x + 17}" y="43">{LEGEND[kind]}</text>')
            x += 165
    return lines


def _bar(bar: Bar, y: int, share: float) -> list[str]:
    length = max(1.0, share * BAR_PX)
    baseline = y + 15
    size = f'width="{length:.1f}" height="{LINE_PX - 6}"'
    return [
        f'<text x="{LABEL_PX - 8}" y="{baseline}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect class="{CLASSES[bar.kind]}" x="{LABEL_PX}" y="{y + 3}" {size} rx="2"/>',
        f'<text x="{LABEL_PX + length + 6:.1f}" y="{baseline}">{escape(bar.text)}</text>',
    ]
