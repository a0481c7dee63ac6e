from __future__ import annotations

import pytest

from scripts.bench.perf.catalogue import choose, find


def test_all_rows_can_be_read_and_told_apart() -> None:
    entries, wrong = find()
    assert wrong == []
    names = [entry.row.name for entry in entries]
    assert len(names) == len(set(names))
    assert not any("," in name for name in names)
    assert all(entry.row.measures for entry in entries)


def test_rows_come_in_the_tables_order() -> None:
    kinds = [entry.row.kind for entry in find()[0]]
    assert kinds == sorted(kinds, key=["floor", "own", "sync peer", "async peer"].index)


def test_rows_are_chosen_by_how_their_names_begin() -> None:
    entries, _ = find()
    names = [entry.row.name for entry in choose(entries, ["C ", "ipcrt trio"])]
    assert names == ["C blocking", "C spinning", "ipcrt trio def pure", "ipcrt trio def C"]
    with pytest.raises(LookupError, match="no row 'nobody'"):
        choose(entries, ["nobody"])
