"""Signatures; that they work is told in test_wire."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT
from ipcrt.fidl.gen.faces import TIMEOUT
from ipcrt.port.blocking import BlockingPort
from tests.fidl.gen import sample
from tests.fidl.gen.compiling import compile_ir, load


def test_a_server_is_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        sample.PlayerServer()  # type: ignore[abstract]


def test_both_proxies_have_the_same_methods() -> None:
    blocking = {name for name in vars(sample.PlayerBlockingProxy) if not name.startswith("_")}
    awaited = {name for name in vars(sample.PlayerProxy) if not name.startswith("_")}
    assert awaited - blocking == {"list_soon", "import_soon"}
    assert blocking < awaited
    assert "list_now" in blocking
    assert "import_now" in blocking


def test_documentation_is_carried_over() -> None:
    assert sample.PlayerProxy.draw.__doc__ == "Draw a shape, and answer another."
    assert sample.PlayerServer.draw.__doc__ is None  # said once
    assert sample.PlayerServer.__doc__ == "Serves one client; see `PlayerProxy`."
    assert sample.PlayerEvents.on_shape.__doc__ == "The shape is there."
    assert sample.PlayerProxy.judge.__doc__ == "Raises: PlayerJudgeFailed."


def test_a_call_lasts_as_long_as_the_bindings_say() -> None:
    assert TIMEOUT == DEFAULT_TIMEOUT
    parameters = inspect.signature(sample.PlayerProxy.draw).parameters
    assert parameters["timeout"].default == DEFAULT_TIMEOUT


def test_a_parameter_called_timeout_stands_beside_ours() -> None:
    parameters = inspect.signature(sample.PlayerProxy.count).parameters
    assert [*parameters] == ["self", "numbers", "timeout_", "names", "timeout"]
    assert parameters["timeout"].kind is inspect.Parameter.KEYWORD_ONLY


def test_a_method_called_like_one_that_we_add(tmp_path: Path) -> None:
    text = (
        "library ipcrt.now; open protocol P { flexible Go(); flexible GoNow();"
        " flexible -> OnGo(); flexible -> OnGoWait(); };"
    )
    module: Any = load(compile_ir(tmp_path, text), "generated_now")
    assert inspect.iscoroutinefunction(module.PProxy.go_now)
    assert not inspect.iscoroutinefunction(module.PProxy.go_now_)
    assert not inspect.iscoroutinefunction(module.PEventSender.on_go_wait)
    assert inspect.iscoroutinefunction(module.PEventSender.on_go_wait_)


def test_a_blocking_proxy_takes_the_generated_listener() -> None:
    client, server = create_endpoints(sample.Player)
    events = sample.PlayerEvents()
    with (
        server,
        BlockingPort() as port,
        sample.PlayerBlockingProxy(client, port, events) as proxy,
    ):
        proxy.list()
