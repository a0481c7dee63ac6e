"""ipcrt talk: call after call on one channel, and its events as they come."""

from __future__ import annotations

from ipcrt.cli.options import (
    JsonOption,
    NameArgument,
    ProtocolOption,
    SocketOption,
    TimeoutOption,
)


def talk(
    name: NameArgument,
    *,
    socket: SocketOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 25.0,
    protocol: ProtocolOption = None,
) -> int:
    """Make calls on one channel to NAME, and show its events.

    The calls are read from standard input, one a line: METHOD ARGUMENT..., as with `ipcrt call`.
    For a server end, `-` makes a channel, whose client end stays open until the end. `wait SECONDS`
    waits, `wait EVENT` until one has come; a method called wait goes as Wait. `#` begins a comment,
    Ctrl-D ends the talk.
    """
    from ipcrt.cli.protocols import find_protocol
    from ipcrt.cli.talker import Talker
    from ipcrt.locator.connect import connect_blocking

    spoken = find_protocol(protocol or name)
    with (
        connect_blocking(socket, timeout=timeout) as locator,
        Talker(locator, name, spoken, timeout, as_json=as_json) as talker,
    ):
        return talker.run()
