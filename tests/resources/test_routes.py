"""Which handler a URI or a method goes to."""

from __future__ import annotations

import pytest

from ipcrt.errors import NotFound, NotSupported
from ipcrt.resources.routes import Routes


def first() -> None: ...
def second() -> None: ...
def own() -> None: ...


@pytest.fixture
def routes() -> Routes:
    routes = Routes()
    routes.add("open", "a://{x}", first)
    routes.add("open", "a://{y:path}", second)
    routes.add("pipe", "p:", first)
    routes.add_method("a://{x}", "size", first)
    routes.add_own_method("size", own)
    return routes


def test_the_first_that_matches_is_asked(routes: Routes) -> None:
    assert routes.open("a://b") == (first, {"x": "b"})
    assert routes.open("a://b/c") == (second, {"y": "b/c"})
    with pytest.raises(NotFound):
        routes.open("b://")
    with pytest.raises(NotFound):
        routes.open("p:")


def test_a_pipe_may_be_opened_instead(routes: Routes) -> None:
    assert routes.pipe("p:") == (first, {})
    assert routes.pipe("a://b") is None
    with pytest.raises(NotFound):
        routes.pipe("b:")


def test_a_method_is_of_a_resource_or_of_the_server(routes: Routes) -> None:
    assert routes.invoke("a://b", "size") == (first, {"x": "b"})
    assert routes.invoke(None, "size") == (own, {})
    for uri in ("a://b", "p:", None):
        with pytest.raises(NotSupported):
            routes.invoke(uri, "unknown")
    with pytest.raises(NotSupported):
        routes.invoke("a://b/c", "size")  # it can be opened, and has no such method
    with pytest.raises(NotFound):
        routes.invoke("b:", "size")
