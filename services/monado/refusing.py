"""Refusals: what an error of ours means to a client, and a line in the log for the owner."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator, Mapping
from typing import Final

from ipcrt.errors import IpcError
from ipcrt_services.monado.bindings import Refusal, Refused

Reasons = Mapping[type[IpcError], Refusal]

_log: Final = logging.getLogger("ipcrt.monado")


@contextlib.contextmanager
def refusing(reasons: Reasons, name: Callable[[], str]) -> Generator[None, None, None]:
    """Turn errors into refusals; what exactly was wrong is logged, with the client's name.

    Raises: Refused.
    """
    try:
        yield
    except tuple(reasons) as error:
        reason = next(reasons[kind] for kind in reasons if isinstance(error, kind))
        _log.info("%s: %s: %s", name(), reason.name, error)
        raise Refused(reason) from error
