from __future__ import annotations

import threading

import pytest

from ipcrt.shm import fence as module
from ipcrt.shm.fence import fence


class _Recorder:
    def __init__(self, calls: list[str]) -> None:
        self.calls = calls

    def acquire(self) -> None:
        self.calls.append("acquire")

    def release(self) -> None:
        self.calls.append("release")


def test_a_fence_ends_with_a_release_and_then_an_acquire(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(module, "Lock", lambda: _Recorder(calls))
    fence()
    assert calls[-2:] == ["release", "acquire"]


def test_many_threads_may_fence_at_once() -> None:
    def work() -> None:
        for _ in range(2000):
            fence()
        done.append(True)

    done: list[bool] = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [True] * 4
