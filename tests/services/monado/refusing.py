"""What several tests of the service ask for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ipcrt_services.monado.bindings import Refusal, Refused


def refused(call: Callable[..., object], *arguments: object) -> Refusal:
    """Call, be refused, and answer why."""
    with pytest.raises(Refused) as caught:
        call(*arguments)
    error: Refusal = caught.value.error
    return error
