from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ipcrt.bindings.handlers import check_handlers
from tests.bindings.hand import Tiny, TinyServer


async def wait(*_: object) -> None: ...


def server_with(**changes: object) -> SimpleNamespace:
    methods: dict[str, Any] = {"add": print, "give": print, "keep": print, "say": print}
    return SimpleNamespace(**(methods | changes))


def test_a_whole_server_fits_and_events_are_not_its_business() -> None:
    check_handlers(TinyServer(), Tiny.TABLE, inline_only=True)
    check_handlers(server_with(), Tiny.TABLE, inline_only=True)


@pytest.mark.parametrize("method", [None, 3, "add"])
def test_a_missing_method_is_named(method: object) -> None:
    with pytest.raises(TypeError, match=r"SimpleNamespace serves test/Tiny without keep\(\)"):
        check_handlers(server_with(keep=method), Tiny.TABLE, inline_only=False)


def test_an_async_handler_needs_an_event_loop() -> None:
    check_handlers(server_with(say=wait), Tiny.TABLE, inline_only=False)
    with pytest.raises(TypeError, match="say is async; a plain thread"):
        check_handlers(server_with(say=wait), Tiny.TABLE, inline_only=True)


@pytest.mark.parametrize("hook", ["client_came", "client_gone", "unknown_method"])
def test_a_hook_must_not_wait(hook: str) -> None:
    with pytest.raises(TypeError, match=f"{hook} is async; it is told"):
        check_handlers(server_with(**{hook: wait}), Tiny.TABLE, inline_only=False)
