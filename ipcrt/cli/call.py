"""ipcrt call: one call of one method, by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ipcrt.cli.options import JsonOption, SocketOption, TimeoutOption

if TYPE_CHECKING:
    from ipcrt.bindings.ends import Protocol
    from ipcrt.bindings.tables import Method
    from ipcrt.errors import IpcError
    from ipcrt.locator.connect import BlockingLocatorClient
    from ipcrt.port.blocking import BlockingPort


def _complete_name(incomplete: str) -> list[str]:
    from ipcrt.cli.protocols import known_names

    return [name for name in known_names() if name.startswith(incomplete)]


def call(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="What to open, library/Protocol.", autocompletion=_complete_name
        ),
    ],
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Such as write_item.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ARGUMENT",
            help="NAME=VALUE, or all in one JSON object; item.key=a reaches into a struct, "
            "@PATH gives a file.",
        ),
    ] = None,
    *,
    socket: SocketOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 25.0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to put a file that comes back."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What is spoken there, where it is not called NAME."),
    ] = None,
) -> None:
    """Call METHOD of the protocol NAME and print the reply.

    A file or VMO in the reply is copied to standard output, or to --output.
    """
    from ipcrt.cli.arguments import read_arguments
    from ipcrt.cli.protocols import find_method, find_protocol
    from ipcrt.locator.connect import connect_blocking
    from ipcrt.port.blocking import BlockingPort

    spoken = find_protocol(protocol or name)
    found = find_method(spoken, method)
    request = read_arguments(found.request.type, arguments or ())
    with BlockingPort() as port, connect_blocking(socket, port=port, timeout=timeout) as locator:
        reply = _Caller(locator, port, spoken, timeout).call(name, found, request)
    _print_reply(reply, output, as_json=as_json)


class _Caller:
    """Calls any method of a protocol that is only known by its table."""

    def __init__(
        self,
        locator: BlockingLocatorClient,
        port: BlockingPort,
        protocol: type[Protocol],
        timeout: float,
    ) -> None:
        self._locator = locator
        self._port = port
        self._protocol = protocol
        self._timeout = timeout

    def call(self, name: str, method: Method[Any, Any], request: Any) -> Any:
        """Open `name` and make one call; the caller owns the handles of the answer.

        Raises: IpcError, which says what was called.
        """
        from ipcrt.errors import IpcError

        try:
            return self._invoke(name, method, request)
        except IpcError as error:
            raise _explained(error, name, method) from error

    def _invoke(self, name: str, method: Method[Any, Any], request: Any) -> Any:
        from ipcrt.bindings.proxy import BlockingProxy
        from ipcrt.bindings.tables import OneWay, TwoWay
        from ipcrt.locator.protocol import Locator

        timeout = self._timeout

        class AnyProxy(BlockingProxy[Any]):
            PROTOCOL = self._protocol
            __slots__ = ()

            def invoke(self) -> Any:
                if isinstance(method, TwoWay):
                    return self._call(method, request, timeout)
                assert isinstance(method, OneWay)
                return self._send(method, request)

        if name == Locator.TABLE.name:
            proxy = AnyProxy(self._locator.proxy.into_client_end(), self._port)
        else:
            proxy = self._locator.open(AnyProxy, name)
        with proxy:
            return proxy.invoke()


def _explained(error: IpcError, name: str, method: Method[Any, Any]) -> IpcError:
    """Say what the locator's and the service's refusals mean."""
    from ipcrt.bindings.errors import DomainError
    from ipcrt.errors import AccessDenied, IpcError, NotFound

    if isinstance(error, DomainError):
        return IpcError(f"{method.selector}: {error}", error.status)
    if isinstance(error, AccessDenied):
        return AccessDenied(f"{name}: policy does not let this user open it")
    if isinstance(error, NotFound):
        return NotFound(f"{name}: nobody serves it; see `ipcrt list`")
    return error


def _print_reply(reply: Any, output: Path | None, *, as_json: bool) -> None:
    from ipcrt.cli.complaint import Misused
    from ipcrt.cli.show import copy_content, find_content, to_json
    from ipcrt.objects.handle import Handle, close_all

    handles: list[Handle] = []
    shown = to_json(reply, handles)
    try:
        content = find_content(handles)
        if output is not None:
            if content is None:
                raise Misused("--output: no file came with the reply")
            with output.open("wb") as target:
                copy_content(content, target)
        elif content is not None and not as_json:
            copy_content(content, sys.stdout.buffer)
            return
        if shown is not None:
            typer.echo(json.dumps(shown, indent=None if as_json else 2))
    finally:
        close_all(handles)
