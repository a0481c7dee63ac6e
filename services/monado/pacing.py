"""When to draw: the display's pace, and each client's way from frame to frame.

All of it is arithmetic on nanoseconds of CLOCK_MONOTONIC: who calls says what time it is.

1. The display shows a frame every `period_ns`. What it is to show must have been delivered
   `compose_ns` before.
2. A client is told of the next period for which it can draw in time, if it takes as long as it took
   lately. It is to wake up earlier than that: early enough to take `_MARGIN` times as long, but not
   before the frame before is due. So one slow call of many does no harm, and who draws fast sees
   fresh poses.
3. A frame goes PREDICTED, WOKEN, BEGUN, then it is delivered or discarded, and is gone. A client
   may predict the next while one is begun, so that two are under way. A frame that was predicted
   and never begun gives way to a later one.
4. A period for which a client, once it has delivered its first frame, delivers nothing in time is
   missed: its last frame is shown once more.
Source: u_pacing of Monado; xrWaitFrame of OpenXR.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from ipcrt_services.monado.bindings import Refusal, Refused

PERIOD_NS: Final = 1_000_000_000 // 90
COMPOSE_NS: Final = 3_000_000
_LEAST_DRAW_NS: Final = 1_000_000
_MARGIN: Final = 5.0
_WEIGHT: Final = 0.1
_MOST_UNDER_WAY: Final = 4


class Stage(enum.Enum):
    """How far a frame is (rule 3)."""

    PREDICTED = "predicted"
    WOKEN = "woken"
    BEGUN = "begun"


_NEXT: Final = {
    (Stage.PREDICTED, Stage.WOKEN): True,
    (Stage.PREDICTED, Stage.BEGUN): True,
    (Stage.WOKEN, Stage.BEGUN): True,
}


@dataclass(frozen=True, slots=True)
class Display:
    """The display's pace (rule 1): frames are shown at `epoch_ns`, and every `period_ns`."""

    epoch_ns: int
    period_ns: int = PERIOD_NS
    compose_ns: int = COMPOSE_NS

    def next_after(self, now_ns: int) -> int:
        """Answer when a frame is shown next, later than now."""
        periods = (now_ns - self.epoch_ns) // self.period_ns + 1
        return self.epoch_ns + periods * self.period_ns

    def deadline_of(self, display_ns: int) -> int:
        """Answer until when what is shown then must have been delivered."""
        return display_ns - self.compose_ns


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a client is told of its next frame."""

    frame_id: int
    wake_up_ns: int
    display_ns: int


@dataclass(slots=True)
class _Frame:
    prediction: Prediction
    stage: Stage = Stage.PREDICTED
    begun_ns: int = 0


@dataclass(slots=True)
class Pacing:
    """One client's frames."""

    display: Display
    frames: int = 0
    """Delivered."""
    missed: int = 0
    """Periods (rule 4)."""
    _draw_ns: float = float(_LEAST_DRAW_NS)
    _last_id: int = 0
    _last_display_ns: int = 0
    _last_in_time_ns: int = 0
    _under_way: dict[int, _Frame] = field(default_factory=dict[int, _Frame])

    def predict(self, now_ns: int) -> Prediction:
        """Answer the next frame, of which no other has been told (rules 2 and 3)."""
        compose_ns, period_ns = self.display.compose_ns, self.display.period_ns
        display_ns = self.display.next_after(now_ns + int(self._draw_ns) + compose_ns)
        if display_ns <= self._last_display_ns:
            display_ns = self._last_display_ns + period_ns
        self._last_display_ns = display_ns
        self._last_id += 1
        lead_ns = min(int(self._draw_ns * _MARGIN), period_ns) + compose_ns
        prediction = Prediction(self._last_id, display_ns - lead_ns, display_ns)
        self._make_room()
        self._under_way[prediction.frame_id] = _Frame(prediction)
        return prediction

    def _make_room(self) -> None:
        unused = [key for key, frame in self._under_way.items() if frame.stage is not Stage.BEGUN]
        for key in unused[: -_MOST_UNDER_WAY + 1]:
            del self._under_way[key]

    def woke(self, frame_id: int) -> None:
        """The client has slept. Raises: Refused."""
        self._step(frame_id, Stage.WOKEN)

    def begin(self, frame_id: int, now_ns: int) -> None:
        """The client draws. Raises: Refused: also where another is begun and not delivered."""
        if any(frame.stage is Stage.BEGUN for frame in self._under_way.values()):
            raise Refused(Refusal.BAD_FRAME)
        self._step(frame_id, Stage.BEGUN).begun_ns = now_ns
        for key in [key for key in self._under_way if key < frame_id]:
            del self._under_way[key]

    def check_begun(self, frame_id: int) -> None:
        """Refuse what is not the frame that is drawn. Raises: Refused."""
        frame = self._under_way.get(frame_id)
        if frame is None or frame.stage is not Stage.BEGUN:
            raise Refused(Refusal.BAD_FRAME)

    def deliver(self, frame_id: int, now_ns: int) -> None:
        """The client has drawn. Raises: Refused."""
        self.check_begun(frame_id)
        frame = self._under_way.pop(frame_id)
        self.frames += 1
        self._learn(now_ns - frame.begun_ns)
        shown_ns = frame.prediction.display_ns
        if now_ns > self.display.deadline_of(shown_ns):
            shown_ns = self.display.next_after(now_ns + self.display.compose_ns - 1)
        if self._last_in_time_ns:
            periods = (shown_ns - self._last_in_time_ns) // self.display.period_ns
            self.missed += max(0, periods - 1)
        self._last_in_time_ns = max(shown_ns, self._last_in_time_ns)

    def discard(self, frame_id: int) -> None:
        """The client delivers nothing for it. Raises: Refused."""
        if self._under_way.pop(frame_id, None) is None:
            raise Refused(Refusal.BAD_FRAME)

    def pause(self) -> None:
        """The session ends: what was under way is gone, and no period is missed."""
        self._under_way.clear()
        self._last_in_time_ns = 0

    def _step(self, frame_id: int, stage: Stage) -> _Frame:
        frame = self._under_way.get(frame_id)
        if frame is None or (frame.stage, stage) not in _NEXT:
            raise Refused(Refusal.BAD_FRAME)
        frame.stage = stage
        return frame

    def _learn(self, drew_ns: int) -> None:
        """Let what drawing takes (rule 2) follow what it took; one slow frame changes little."""
        wanted = min(max(drew_ns, _LEAST_DRAW_NS), self.display.period_ns)
        self._draw_ns += (wanted - self._draw_ns) * _WEIGHT
