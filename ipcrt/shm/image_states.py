"""The states of a swapchain's image, and every step between them, as data.

      ACQUIRE        WAIT        RELEASE        LATCH
FREE ────────▶ ACQUIRED ───▶ WAITED ────▶ RELEASED ──▶ LATCHED
  ▲                                          │ RETIRE     │ RETIRE
  └──────────────────────────────────────────┴────────────┘

1. FREE: nobody's. `acquire` gives the image that has been free for longest.
2. ACQUIRED: the client's, but not to be drawn on yet: a frame may still read what was there before.
3. WAITED: no frame reads it, and the client draws. Only a wait leads here.
4. RELEASED: drawn, and the client's last word. Layers may name it (NAME changes no state).
5. LATCHED: named by the commit that is shown, and taken for at least one frame.
6. RETIRE: a newer image of the swapchain has been released, and neither the commit that is shown
   nor the one that waits names this one. Frames under way may still read it: see 2.
7. Of a static swapchain, the one image is acquired once, and never retired.
8. Every other step is a BadState that names the image, its state and the step.
Source: xrAcquireSwapchainImage, xrWaitSwapchainImage, xrReleaseSwapchainImage of OpenXR.
"""

from __future__ import annotations

import enum
from typing import Final

from ipcrt.errors import BadState


class ImageState(enum.Enum):
    """Where an image is; see the head of this file."""

    FREE = "free"
    ACQUIRED = "acquired"
    WAITED = "waited"
    RELEASED = "released"
    LATCHED = "latched"


class Step(enum.Enum):
    """What happens to an image; the words are those of messages to users."""

    ACQUIRE = "acquire"
    WAIT = "wait for"
    RELEASE = "release"
    NAME = "show"
    LATCH = "latch"
    RETIRE = "retire"


TRANSITIONS: Final = {
    (ImageState.FREE, Step.ACQUIRE): ImageState.ACQUIRED,
    (ImageState.ACQUIRED, Step.WAIT): ImageState.WAITED,
    (ImageState.WAITED, Step.RELEASE): ImageState.RELEASED,
    (ImageState.RELEASED, Step.NAME): ImageState.RELEASED,
    (ImageState.LATCHED, Step.NAME): ImageState.LATCHED,
    (ImageState.RELEASED, Step.LATCH): ImageState.LATCHED,
    (ImageState.LATCHED, Step.LATCH): ImageState.LATCHED,
    (ImageState.RELEASED, Step.RETIRE): ImageState.FREE,
    (ImageState.LATCHED, Step.RETIRE): ImageState.FREE,
}


def after(state: ImageState, step: Step, index: int) -> ImageState:
    """Answer the state that `step` leads to; `index` is for the message. Raises: BadState."""
    reached = TRANSITIONS.get((state, step))
    if reached is None:
        wanted = " or ".join(s.value for s, possible in TRANSITIONS if possible is step)
        raise BadState(f"cannot {step.value} image {index}: it is {state.value}, not {wanted}")
    return reached
