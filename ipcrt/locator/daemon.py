"""ipcrt-locatord: the locator as a daemon, started by systemd on the first connection or by hand.

Under socket activation the supervisor's socket is served, and its path never touched; otherwise
the daemon binds the path itself. SIGTERM and SIGINT end it cleanly, and where the supervisor keeps
descriptors for it, a restart keeps its clients; SIGHUP reads the policy again, for clients that
come from then on.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import importlib
import logging
import os
import re
import resource
import sys
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from typing import Any, Final

from ipcrt.errors import BadState, IpcError, NotFound
from ipcrt.locator.activation import inherited_descriptors
from ipcrt.locator.connect import SOCKET_VARIABLE
from ipcrt.locator.journal import set_up_logging
from ipcrt.locator.listener import Listener
from ipcrt.locator.locator import LocatorLimits
from ipcrt.locator.paths import default_path
from ipcrt.locator.policy import Policy
from ipcrt.locator.restore import STORED_NAMES
from ipcrt.locator.serving import Plan, Show, serve
from ipcrt.objects.handle import Handle

_log: Final = logging.getLogger("ipcrt.locator")


def main(argv: Sequence[str] | None = None, show: Show | None = None) -> int:
    """Run the daemon; answer the exit status: 0 after a clean stop, 1 when it could not serve.

    This room knows no diagnostics: without `show` the locator tells nothing of itself.
    """
    options = _parser().parse_args(argv)
    set_up_logging(verbose=options.verbose)
    try:
        _raise_descriptor_limit()
        with ExitStack() as stack:
            listener, stored = _descriptors(options, stack)
            _run(serve(listener, stored, _plan(options, show)))
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
    parser.add_argument(
        "--idle-exit",
        type=_seconds,
        metavar="SECONDS",
        help="end so long after the last client has left, or 0 for never (the default); needs a "
        "supervisor's socket, whose next client starts us again",
    )
    parser.add_argument(
        "--fd-store",
        type=_count,
        metavar="N",
        help="how many descriptors the supervisor keeps for us, FileDescriptorStoreMax=: clients "
        "that they suffice for live through a restart (default: $FDSTORE, else 0)",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log what goes well, too")
    return parser


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return int(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return float(text)


def _mode(text: str) -> int:
    if not re.fullmatch("[0-7]{1,4}", text) or int(text, 8) > 0o777:
        raise argparse.ArgumentTypeError(f"{text!r} is no octal mode such as 660")
    return int(text, 8)


def _plan(options: argparse.Namespace, show: Show | None) -> Plan:
    """Raises: InvalidArgs: the policy file is not good."""
    return Plan(
        _policy(options.policy),
        functools.partial(Policy.load, options.policy) if options.policy else Policy.default,
        LocatorLimits(
            options.max_clients, options.max_clients_per_uid or (options.max_clients + 1) // 2
        ),
        options.fd_store,
        options.idle_exit or None,
        show,
    )


def _descriptors(
    options: argparse.Namespace, stack: ExitStack
) -> tuple[Handle, list[tuple[str, Handle]]]:
    """Answer the listening socket and what was stored, ours until the stack unwinds.

    Raises: BadState: the supervisor passed more than one socket, or none where only a
    supervisor's lets us end when nobody comes.
    """
    inherited = inherited_descriptors(STORED_NAMES)
    handles = [stack.enter_context(Handle(each.socket.detach())) for each in inherited.sockets]
    for _, stored in inherited.stored:
        stack.enter_context(stored)
    if len(handles) > 1:
        raise BadState(f"{len(handles)} sockets were passed, expected 1")
    if handles:
        _log.info("serving the socket %s from the supervisor", inherited.sockets[0].name)
        return handles[0], inherited.stored
    if options.idle_exit:
        raise BadState("--idle-exit needs a supervisor's socket: nobody would start us again")
    bound = stack.enter_context(Listener.bind(options.socket or default_path(), options.mode))
    _log.info("listening at %s", bound.path)
    return stack.enter_context(Handle(os.dup(bound.fileno()))), inherited.stored


def _policy(path: str | None) -> Policy:
    """Raises: InvalidArgs: the policy file is not good."""
    if path is None:
        return Policy.default()
    try:
        return Policy.load(path)
    except NotFound as error:
        _log.info("%s: only root and our own user may do anything", error)
        return Policy.default()


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
