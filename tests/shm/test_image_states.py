from __future__ import annotations

import itertools

import pytest

from ipcrt.errors import BadState
from ipcrt.shm.image_states import TRANSITIONS, ImageState, Step, after

PAIRS = list(itertools.product(ImageState, Step))
ILLEGAL = [pair for pair in PAIRS if pair not in TRANSITIONS]


def test_the_table_is_what_the_rules_say() -> None:
    free, acquired, waited, released, latched = ImageState
    assert {(s, t): after(s, t, 0) for s, t in PAIRS if (s, t) in TRANSITIONS} == {
        (free, Step.ACQUIRE): acquired,
        (acquired, Step.WAIT): waited,
        (waited, Step.RELEASE): released,
        (released, Step.NAME): released,
        (latched, Step.NAME): latched,
        (released, Step.LATCH): latched,
        (latched, Step.LATCH): latched,
        (released, Step.RETIRE): free,
        (latched, Step.RETIRE): free,
    }


@pytest.mark.parametrize("state, step", ILLEGAL)
def test_every_other_step_names_image_state_and_step(state: ImageState, step: Step) -> None:
    with pytest.raises(BadState, match=f"cannot {step.value} image 5: it is {state.value}, not "):
        after(state, step, 5)


def test_the_message_says_what_would_be_right() -> None:
    with pytest.raises(BadState, match=r"it is free, not released or latched$"):
        after(ImageState.FREE, Step.NAME, 0)
