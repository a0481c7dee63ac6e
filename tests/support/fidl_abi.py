"""Comparing small IRs, and writing down what came out in one line a change."""

from __future__ import annotations

import json

from ipcrt.fidl.abi import compare_files
from tests.support.fidl_ir import Node, library


def changes(before: list[Node], after: list[Node]) -> list[str]:
    """Answer `severity id where; wire parties; source sides` for each change."""
    found = compare_files(
        "old.json", json.dumps(library(*before)), "new.json", json.dumps(library(*after))
    )
    return [
        "; ".join(
            [
                f"{change.severity.value} {change.id} {change.where.removeprefix('t/')}",
                *([f"wire {', '.join(change.wire.names)}"] if change.wire else []),
                *([f"source {', '.join(change.source.names)}"] if change.source else []),
            ]
        )
        for change in found
    ]
