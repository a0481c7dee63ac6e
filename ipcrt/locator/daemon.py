"""ipcrt-locatord: the locator as a daemon, started by systemd on the first connection or by hand.

Under socket activation the supervisor's socket is served, and its path never touched; otherwise
the daemon binds the path itself. SIGTERM and SIGINT end it cleanly; SIGHUP reads the policy again,
for clients that come from then on.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import re
import resource
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Final

from ipcrt.errors import BadState, IpcError, NotFound
from ipcrt.locator.account import Diagnostics
from ipcrt.locator.activation import inherited_sockets
from ipcrt.locator.connect import SOCKET_VARIABLE
from ipcrt.locator.journal import set_up_logging
from ipcrt.locator.listener import Listener
from ipcrt.locator.locator import LocatorLimits, LocatorService
from ipcrt.locator.notify import Notifier
from ipcrt.locator.paths import default_path
from ipcrt.locator.policy import Policy
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort, open_port

_log: Final = logging.getLogger("ipcrt.locator")


Show = Callable[[AsyncPort], AbstractContextManager[Diagnostics]]
"""Makes what shows the locator's own account; it is shown inside the context."""


def main(argv: Sequence[str] | None = None, show: Show | None = None) -> int:
    """Run the daemon; answer the exit status: 0 after a clean stop, 1 when it could not serve.

    This room knows no diagnostics: without `show` the locator tells nothing of itself.
    """
    options = _parser().parse_args(argv)
    set_up_logging(verbose=options.verbose)
    limits = LocatorLimits(
        options.max_clients, options.max_clients_per_uid or (options.max_clients + 1) // 2
    )
    try:
        _raise_descriptor_limit()
        with ExitStack() as stack:
            listener = _listener(options, stack)
            policy = _policy(options.policy)
            _run(_serve(listener, policy, limits, options.policy, show))
    except IpcError as error:
        _log.error("%s", error)
        return 1
    except KeyboardInterrupt:  # before the loop took the signal over
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ipcrt-locatord", description=__doc__)
    parser.add_argument(
        "--socket",
        metavar="PATH",
        default=os.environ.get(SOCKET_VARIABLE),
        help=f"where to listen when no supervisor passes a socket (default: {default_path()})",
    )
    parser.add_argument(
        "--mode",
        type=_mode,
        default=0o600,
        metavar="OCTAL",
        help="mode bits of a socket that we bind ourselves (default: 600)",
    )
    parser.add_argument(
        "--policy",
        metavar="FILE",
        help="who sees which protocol, TOML; where the file is missing, root and our own user "
        "may do everything and others nothing",
    )
    parser.add_argument(
        "--max-clients", type=_positive, default=4096, metavar="N", help="default: %(default)s"
    )
    parser.add_argument(
        "--max-clients-per-uid", type=_positive, metavar="N", help="default: half of --max-clients"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log what goes well, too")
    return parser


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return int(text)


def _mode(text: str) -> int:
    if not re.fullmatch("[0-7]{1,4}", text) or int(text, 8) > 0o777:
        raise argparse.ArgumentTypeError(f"{text!r} is no octal mode such as 660")
    return int(text, 8)


def _listener(options: argparse.Namespace, stack: ExitStack) -> Handle:
    """Answer the listening socket, ours until the stack unwinds.

    Raises: BadState: the supervisor passed more than one.
    """
    inherited = inherited_sockets()
    if inherited:
        handles = [stack.enter_context(Handle(each.socket.detach())) for each in inherited]
        if len(handles) > 1:
            raise BadState(f"{len(handles)} sockets were passed, expected 1")
        _log.info("serving the socket %s from the supervisor", inherited[0].name)
        return handles[0]
    bound = stack.enter_context(Listener.bind(options.socket or default_path(), options.mode))
    _log.info("listening at %s", bound.path)
    return stack.enter_context(Handle(os.dup(bound.fileno())))


def _policy(path: str | None) -> Policy:
    """Raises: InvalidArgs: the policy file is not good."""
    if path is None:
        return Policy.default()
    try:
        return Policy.load(path)
    except NotFound as error:
        _log.info("%s: only root and our own user may do anything", error)
        return Policy.default()


async def _serve(
    listener: Handle,
    policy: Policy,
    limits: LocatorLimits,
    policy_path: str | None,
    show: Show | None,
) -> None:
    """Serve until SIGTERM or SIGINT."""
    notifier = Notifier.from_environment()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_port() as port:
        locator = LocatorService(port, policy, limits)
        loop.add_signal_handler(signal.SIGHUP, _reload, locator, policy_path)
        with ExitStack() as stack:
            stack.callback(locator.close)
            if show is not None:
                _show(locator, show, stack)
            locator.listen(listener)
            notifier.ready()
            if notifier.watchdog_interval_us is not None:
                port.spawn(_feed_watchdog(port, notifier), "watchdog")
            await stop.wait()
            notifier.stopping()
            _log.info("stopping: %s", locator.statistics())


def _show(locator: LocatorService, show: Show, stack: ExitStack) -> None:
    """Show the locator until the stack unwinds; it serves without that as well."""
    try:
        locator.show(stack.enter_context(show(locator.port)))
    except IpcError as error:
        _log.warning("no diagnostics of the locator itself: %s", error)


def _reload(locator: LocatorService, policy_path: str | None) -> None:
    """Read the policy again; one that is not good changes nothing."""
    try:
        locator.policy = _policy(policy_path)
    except IpcError as error:
        _log.error("the old policy stays: %s", error)
    else:
        _log.info("policy read again")


async def _feed_watchdog(port: AsyncPort, notifier: Notifier) -> None:
    """Say that the loop turns, twice as often as it is expected."""
    assert notifier.watchdog_interval_us is not None
    while True:
        notifier.watchdog()
        await port.sleep(notifier.watchdog_interval_us / 2e6)


def _run(main_coroutine: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where it is installed, else on asyncio."""
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        asyncio.run(main_coroutine)
    else:
        uvloop.run(main_coroutine)


def _raise_descriptor_limit() -> None:
    """Use as many descriptors as we may: each client is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError) as error:  # a sandbox may forbid it
            _log.info("staying with %d descriptors: %s", soft, error)


if __name__ == "__main__":
    sys.exit(main())
