"""ipcrt-locatord: the locator as a daemon, started by systemd on the first connection or by hand.

Under socket activation the supervisor's socket is served, and its path never touched; otherwise
the daemon binds the path itself. SIGTERM and SIGINT end it cleanly.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final

from ipcrt.errors import BadState, IpcError
from ipcrt.locator.activation import inherited_sockets
from ipcrt.locator.connect import SOCKET_VARIABLE
from ipcrt.locator.listener import Listener, default_path
from ipcrt.locator.locator import LocatorLimits, LocatorService
from ipcrt.locator.notify import Notifier
from ipcrt.locator.policy import Policy
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort, open_port

_log: Final = logging.getLogger("ipcrt.locator")
_PRIORITIES: Final = {"CRITICAL": 2, "ERROR": 3, "WARNING": 4, "INFO": 6, "DEBUG": 7}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the daemon; answer the exit status: 0 after a clean stop, 1 when it could not serve."""
    options = _parser().parse_args(argv)
    _set_up_logging(verbose=options.verbose)
    try:
        _raise_descriptor_limit()
        with ExitStack() as stack:
            listener = _listener(options, stack)
            policy = _policy(options.policy)
            limits = LocatorLimits(
                options.max_clients,
                options.max_clients_per_uid or options.max_clients,
            )
            _runner(_serve(listener, policy, limits, Notifier.from_environment()))
    except IpcError as error:
        _log.error("%s", error)
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
        type=lambda text: int(text, 8),
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
        "--max-clients-per-uid", type=_positive, metavar="N", help="default: as --max-clients"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log what goes well, too")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


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
    if path is None or not os.path.exists(path):
        return Policy.default()
    return Policy.load(path)


async def _serve(
    listener: Handle, policy: Policy, limits: LocatorLimits, notifier: Notifier
) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_port() as port:
        locator = LocatorService(port, policy, limits)
        try:
            locator.listen(listener)
            notifier.ready()
            if notifier.watchdog_interval_us is not None:
                port.spawn(_feed_watchdog(port, notifier), "watchdog")
            await stop.wait()
            notifier.stopping()
            _log.info("stopping: %s", locator.statistics())
        finally:
            locator.close()


async def _feed_watchdog(port: AsyncPort, notifier: Notifier) -> None:
    """Say that the loop turns, twice as often as it is expected."""
    assert notifier.watchdog_interval_us is not None
    while True:
        notifier.watchdog()
        await port.sleep(notifier.watchdog_interval_us / 2e6)


def _runner(main_coroutine: Any) -> None:
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


class _JournalFormatter(logging.Formatter):
    """Put the priority in front of each line, as sd-daemon(3) has it."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{_PRIORITIES.get(record.levelname, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


def _set_up_logging(*, verbose: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(_JournalFormatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("ipcrt-locatord: %(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])


if __name__ == "__main__":
    sys.exit(main())
