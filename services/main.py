"""How a service starts, what it tells its supervisor, and how it ends.

`python -m ipcrt_services.NAME --directory DIR` offers its protocols through the locator and serves
every client that is routed to it. SIGTERM and SIGINT end it: no new clients, then what the clients
asked for is finished and answered.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from typing import Any, Final, cast

import anyio

from ipcrt.errors import BadState, IpcError
from ipcrt.inspect.inspector import Inspector
from ipcrt.locator.connect import SOCKET_VARIABLE, locator_path
from ipcrt.locator.notify import Notifier
from ipcrt.locator.protocol import RegisterFailed
from ipcrt.locator.service import Factory, ServiceLimits, provide
from ipcrt.port.aport import AsyncPort, open_port

_LOOPS: Final = [name for name in ("asyncio", "uvloop", "trio") if find_spec(name)]
_PRIORITIES: Final = {"CRITICAL": 2, "ERROR": 3, "WARNING": 4, "INFO": 6, "DEBUG": 7}
_REFRESH_S: Final = 1.0
"""How old what a service tells of itself may be when it hangs."""

_log: Final = logging.getLogger("ipcrt.services")

Serve = Callable[[AsyncPort, str], AbstractAsyncContextManager[dict[str, Factory]]]
"""Opens what is kept in a directory, and answers what makes each client's server, by protocol."""


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """A service as its entry point describes it; `name` is the protocol's, `module` what to run.

    Where `serve` answers several protocols, `name` is what they have in common.
    """

    name: str
    module: str
    description: str
    serve: Serve
    limits: ServiceLimits


def main(service: Service, argv: Sequence[str] | None = None) -> int:
    """Run a service; answer the exit status: 0 after a clean stop, 1 when it could not serve."""
    options = _options(service, argv)
    _set_up_logging(service.name, verbose=options.verbose)
    _raise_descriptor_limit()
    backend = "trio" if options.loop == "trio" else "asyncio"
    backend_options = {"use_uvloop": True} if options.loop == "uvloop" else {}
    try:
        anyio.run(_run, service, options, backend=backend, backend_options=backend_options)
    except KeyboardInterrupt:  # before the loop took the signal over
        return 1
    except Exception as error:  # noqa: BLE001  (what is not ours is raised again)
        _log.error("%s", _reason(error))
        return 1
    return 0


def _options(service: Service, argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"python -m {service.module}", description=service.description
    )
    state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    parser.add_argument(
        "--directory",
        metavar="DIR",
        default=state or None,
        required=not state,
        help="where the service keeps or finds its files (default: $STATE_DIRECTORY)",
    )
    parser.add_argument(
        "--name",
        default=service.name,
        help="what the locator offers it as, where it is one protocol (default: %(default)s)",
    )
    parser.add_argument(
        "--locator",
        metavar="PATH",
        help=f"the locator's socket (default: ${SOCKET_VARIABLE}, else {locator_path()})",
    )
    parser.add_argument(
        "--loop",
        choices=_LOOPS,
        default="uvloop" if "uvloop" in _LOOPS else "asyncio",
        help="the event loop (default: %(default)s)",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log what goes well, too")
    return parser.parse_args(argv)


async def _run(service: Service, options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    notifier = Notifier.from_environment()
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with (
            open_port() as port,
            service.serve(port, options.directory) as factories,
        ):
            with anyio.CancelScope() as scope:
                port.spawn(_stop_on(signals, scope), "signals")
                if notifier.watchdog_interval_us is not None:
                    port.spawn(_feed_watchdog(port, notifier), "watchdog")
                await _provide(port, service, options, factories, notifier)
            notifier.stopping()


async def _provide(
    port: AsyncPort,
    service: Service,
    options: argparse.Namespace,
    factories: dict[str, Factory],
    notifier: Notifier,
) -> None:
    if len(factories) == 1:
        factories = dict.fromkeys([options.name], *factories.values())
    try:
        with Inspector(service.name) as inspector:
            inspector.refresh_every(port, _REFRESH_S)
            await provide(
                port,
                factories,
                path=options.locator,
                limits=service.limits,
                on_registered=notifier.ready,
                inspect=inspector,
            )
    except RegisterFailed as error:
        names = ", ".join(factories)
        raise BadState(f"the locator does not register {names}: {error}") from error


async def _stop_on(signals: Any, scope: anyio.CancelScope) -> None:
    async for number in signals:
        _log.info("stopping on %s", number.name)
        scope.cancel()


async def _feed_watchdog(port: AsyncPort, notifier: Notifier) -> None:
    """Say that the loop turns, twice as often as it is expected."""
    assert notifier.watchdog_interval_us is not None
    while True:
        notifier.watchdog()
        await port.sleep(notifier.watchdog_interval_us / 2e6)


def _reason(error: BaseException) -> IpcError:
    """Answer the one error of ours; trio puts even a single one into groups. Else raise it."""
    while isinstance(error, BaseExceptionGroup):
        [error] = cast("BaseExceptionGroup[BaseException]", error).exceptions
    if not isinstance(error, IpcError):
        raise error
    return error


def _raise_descriptor_limit() -> None:
    """Use as many descriptors as we may: each client is one, each iterator another."""
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


def _set_up_logging(name: str, *, verbose: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(_JournalFormatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter(f"{name}: %(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])
