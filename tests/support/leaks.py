"""A pytest plugin: a test fails if it ends with more than it began with.

Counted: descriptors, threads, child processes, and tasks of the running loop (asyncio or trio).
Forgotten handles are collected first, so that each raises its ResourceWarning, which pytest turns
into an error. A test that failed by itself is not examined: its traceback keeps objects alive.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import inspect
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import anyio.lowlevel
import pytest

from tests.support.proc import child_processes, open_fds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator

    import trio.lowlevel

_SETTLE_SECONDS = 1.0  # a thread or child told to stop may need a moment; only leaks wait so long
_SETTLE_TURNS = 10  # loop turns in which a cancelled task must end

# trio keeps finished worker threads for ten seconds, to reuse them.
_KEPT_THREADS = ("Trio thread ",)

_failed = pytest.StashKey[bool]()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What this process holds at one moment."""

    fds: dict[int, str]
    threads: frozenset[threading.Thread]
    children: dict[int, str]

    @classmethod
    def take(cls) -> Snapshot:
        alive = (t for t in threading.enumerate() if not t.name.startswith(_KEPT_THREADS))
        return cls(open_fds(), frozenset(alive), child_processes())

    def since(self, before: Snapshot) -> list[str]:
        """One line for each thing that `before` does not hold."""
        lines = [
            f"descriptor {fd} -> {target}"
            for fd, target in sorted(self.fds.items())
            if before.fds.get(fd) != target
        ]
        lines += [f"thread {t.name!r} ({t!r})" for t in self.threads - before.threads]
        lines += [
            f"child process {pid} ({name})"
            for pid, name in self.children.items()
            if pid not in before.children
        ]
        return lines


def _leftovers(before: Snapshot) -> list[str]:
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        left = Snapshot.take().since(before)
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test if it leaves a descriptor, a thread or a child process behind."""
    before = Snapshot.take()
    yield
    if request.node.stash.get(_failed, False):
        return
    gc.collect()
    if left := _leftovers(before):
        pytest.fail("the test left behind:\n  " + "\n  ".join(left), pytrace=False)


# ------------------------------------------------------------------------------------------ tasks


class _Named(Protocol):
    def __hash__(self) -> int: ...


def _trio_tasks() -> set[_Named]:
    import trio.lowlevel

    found: set[_Named] = set()
    root = trio.lowlevel.current_root_task()
    waiting: list[trio.lowlevel.Task] = [] if root is None else [root]
    while waiting:
        task = waiting.pop()
        found.add(task)
        for nursery in task.child_nurseries:
            waiting.extend(nursery.child_tasks)
    return found


def _tasks() -> set[_Named]:
    """Every unfinished task of the loop that runs now, trio's system tasks too."""
    try:
        return set(asyncio.all_tasks())
    except RuntimeError:  # no asyncio loop here
        return _trio_tasks()


def _watch_tasks(function: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(function)
    async def watched(*args: object, **kwargs: object) -> None:
        before = _tasks()
        await function(*args, **kwargs)
        for _ in range(_SETTLE_TURNS):
            if not _tasks() - before:
                return
            await anyio.lowlevel.checkpoint()
        if left := _tasks() - before:
            listing = "\n  ".join(sorted(map(repr, left)))
            pytest.fail(f"the test left tasks running:\n  {listing}", pytrace=False)

    return watched


def _coroutine_place(item: pytest.Function) -> tuple[Any, str] | None:
    """Where the item keeps its coroutine function; hypothesis wraps it once more."""
    hypothesis = getattr(item.obj, "hypothesis", None)
    place = (item, "obj") if hypothesis is None else (hypothesis, "inner_test")
    return place if inspect.iscoroutinefunction(getattr(*place)) else None


# ------------------------------------------------------------------------------------------ hooks


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    place = _coroutine_place(item) if isinstance(item, pytest.Function) else None
    if place is None:
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        function = cast("Callable[..., Awaitable[object]]", getattr(*place))
        patch.setattr(*place, _watch_tasks(function))
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[_failed] = True
    return report


def pytest_sessionstart() -> None:
    """Make libuv's process-wide signal pipe now, so that no test seems to have opened it."""
    try:
        import uvloop
    except ModuleNotFoundError:
        return
    uvloop.new_event_loop().close()


def pytest_collection_finish() -> None:
    """Keep the imported world out of every test's collection: 1 ms each instead of 13."""
    # On import, hypothesis asks the collector who refers to trio's random generator; frozen
    # objects do not answer, and it would warn.
    importlib.import_module("hypothesis")
    _freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Keep out, too, what each test file leaves with pytest: 50 ms a test after some thousands."""
    result = yield
    if nextitem is not None and nextitem.path != item.path:
        _freeze()
    return result


def _freeze() -> None:
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Undo the freeze, for whatever else this process does."""
    gc.unfreeze()
