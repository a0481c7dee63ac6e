"""What is measured without rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from scripts.bench.perf.results import Special
from scripts.bench.perf.specials import activation, clients, ring, shared_state, startup

Measured = Callable[[int], Special]
SPECIALS: Final[dict[str, tuple[Measured, int, int]]] = {
    clients.NAME: (clients.measure, 1, 5),
    activation.NAME: (activation.measure, 2, 11),
    startup.NAME: (startup.measure, 3, 21),
    shared_state.NAME: (shared_state.measure, 1, 5),
    ring.NAME: (ring.measure, 3, 21),
}
"""Each by its name, with its repetitions in a quick run and in a full one."""


def run(name: str, *, quick: bool) -> Special:
    """Measure one; what fails is told, and the others go on."""
    measure, few, many = SPECIALS[name]
    try:
        return measure(few if quick else many)
    except Exception as error:  # noqa: BLE001  (see above)
        return Special(name, failed=f"{type(error).__name__}: {error}")
