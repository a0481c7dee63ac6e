"""A station of either version, as a process: server.py VERSION LOOP DESCRIPTOR."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import anyio

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import Server, ServerBinding
from ipcrt.bindings.tables import Kind, Method
from ipcrt.errors import Status
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.port import Port
from tests.bindings.evolution.samples import MODULES, newest

SECRET = "a secret of the server"


class Behaviour:
    """What stations of both versions do; `_station` completes it with what is passed and given."""

    module: Any
    version: int

    def __init__(self, port: Port) -> None:
        self.port = port
        self.binding: Any = None
        self.seen = ""
        self.reason = Status.OK

    def saw(self) -> Any:
        return self.module.StationSawResponse(self.seen)

    def clone(self, end: Any) -> None:
        serve(self.version, self.port, end)

    def leave(self, status: int) -> None:
        self.reason = Status(status)

    def wait(self) -> None:
        if self.reason is not Status.OK:
            self.binding.close(self.reason)

    def refuse(self) -> None:
        errors = {1: "BUSY", 2: "TIRED"}
        error = self.module.RefusalFailed(self.module.Refusal[errors[self.version]])
        error.add_note(SECRET)
        raise error from KeyError(SECRET)

    def judge(self) -> None:
        verdicts = {1: "NO", 2: "NEVER"}
        raise self.module.VerdictFailed(self.module.Verdict[verdicts[self.version]])

    def crash(self) -> None:
        raise KeyError(SECRET)

    def shout(self) -> None:
        sender = self.module.StationEventSender(self.binding)
        (sender.on_old if self.version == 1 else sender.on_new)(7)

    def shout_strict(self) -> None:
        self.module.StationEventSender(self.binding).on_new_strict(7)

    def ask(self) -> Any:
        return self.module.StationAskResponse(42)

    def ask_strict(self) -> Any:
        return self.module.StationAskStrictResponse(42)

    def bygone(self) -> Any:
        return self.module.StationBygoneResponse(42)

    def note(self, text: str) -> None:
        self.seen = text

    note_strict = note

    def unknown_method(self, ordinal: int, kind: Kind) -> None:
        self.seen = f"unknown {kind.value} {ordinal:#x}"


def _passing(method: Method[Any, Any]) -> Any:
    def handle(self: Behaviour, value: Any) -> Any:
        self.seen = repr(value)
        return method.response.type(value)

    return handle


def _giving(method: Method[Any, Any], version: int) -> Any:
    def handle(self: Behaviour) -> Any:
        del self
        return method.response.type(newest(method.name.removeprefix("give_"), version))

    return handle


def _station(module: ModuleType, version: int) -> type[Any]:
    """Make the server of a version out of its generated base."""
    members: dict[str, Any] = {"module": module, "version": version}
    for method in module.Station.TABLE.requests.values():
        if method.name.startswith("pass_"):
            members[method.name] = _passing(method)
        elif method.name.startswith("give_"):
            members[method.name] = _giving(method, version)
    return type("Station", (Behaviour, module.StationServer), members)


def serve(version: int, port: Port, end: ServerEnd[Any]) -> ServerBinding[Any]:
    station: Behaviour = _station(MODULES[version], version)(port)
    assert isinstance(station, Server)
    binding = station.binding = ServerBinding[Any](end, station, port)
    return binding


async def _on_a_loop(version: int, end: ServerEnd[Any]) -> None:
    async with open_port() as port:
        binding = serve(version, port, end)
        print("ready", flush=True)
        await binding.wait_closed()


def _on_a_thread(version: int, end: ServerEnd[Any]) -> None:
    with BlockingPort() as port:
        binding = serve(version, port, end)
        print("ready", flush=True)
        while not binding.closed:
            port.dispatch(-1)


def main() -> None:
    version, loop, descriptor = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    end = ServerEnd[Any](Channel(descriptor))
    if loop == "blocking":
        _on_a_thread(version, end)
    else:
        backend = "trio" if loop == "trio" else "asyncio"
        options = {"use_uvloop": True} if loop == "uvloop" else {}
        anyio.run(_on_a_loop, version, end, backend=backend, backend_options=options)


if __name__ == "__main__":
    main()
