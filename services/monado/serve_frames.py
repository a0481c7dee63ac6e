"""The calls of a session, and of its frames."""

from __future__ import annotations

import time
from typing import Final

from ipcrt.bindings.arguments import Answer
from ipcrt.objects.event import Event
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.vmo import Vmo
from ipcrt_services.monado.bindings import (
    Layer,
    MonadoCompositorPredictFrameResponse,
    MonadoCompositorSemaphoreCreateResponse,
    MonadoCompositorWaitFrameResponse,
    MonadoServer,
    MonadoSessionPollEventsResponse,
    SessionInfo,
)
from ipcrt_services.monado.house import Guest, House
from ipcrt_services.monado.layers import Surface, check_layers
from ipcrt_services.monado.pacing import Prediction

_NS: Final = 1e9


class FrameCalls(MonadoServer):
    """Sessions, frames, semaphores."""

    _house: House
    _guest: Guest

    # ---- session

    def session_create(self, info: SessionInfo) -> None:
        self._house.roster.create(self._guest.member, info)

    def session_begin(self) -> None:
        self._house.roster.begin(self._guest.member)

    def session_end(self) -> None:
        self._house.roster.end(self._guest.member)
        self._guest.pacing.pause()
        self._guest.delivery.clear()

    def session_destroy(self) -> None:
        self._house.roster.destroy(self._guest.member)
        self._guest.pacing.pause()
        self._guest.delivery.reset()

    def session_poll_events(self) -> MonadoSessionPollEventsResponse:
        roster, member = self._house.roster, self._guest.member
        roster.check_session(member)
        return MonadoSessionPollEventsResponse(roster.take_events(member))

    # ---- frames

    def _predict(self) -> Prediction:
        self._house.roster.check_running(self._guest.member)
        return self._guest.pacing.predict(time.monotonic_ns())

    def compositor_predict_frame(self) -> MonadoCompositorPredictFrameResponse:
        frame = self._predict()
        return MonadoCompositorPredictFrameResponse(
            frame.frame_id, frame.wake_up_ns, frame.display_ns, self._house.settings.period_ns
        )

    def compositor_wait_woke(self, frame_id: int) -> None:
        self._guest.pacing.woke(frame_id)

    async def compositor_wait_frame(self) -> MonadoCompositorWaitFrameResponse:
        frame = self._predict()
        left = max(0, frame.wake_up_ns - time.monotonic_ns())
        await self._house.port.sleep(left / _NS)
        self._guest.pacing.woke(frame.frame_id)
        return MonadoCompositorWaitFrameResponse(
            frame.frame_id, frame.display_ns, self._house.settings.period_ns
        )

    def compositor_begin_frame(self, frame_id: int) -> None:
        self._house.roster.check_running(self._guest.member)
        self._guest.pacing.begin(frame_id, time.monotonic_ns())

    def compositor_discard_frame(self, frame_id: int) -> None:
        self._guest.pacing.discard(frame_id)

    def compositor_layer_sync(
        self, frame_id: int, layers: list[Layer], fence: Event | None
    ) -> None:
        delivery = self._guest.delivery
        surfaces = self._checked(frame_id, layers)
        if fence is None:
            delivery.commit(surfaces, frame_id)
        else:
            delivery.commit_after_fence(surfaces, frame_id, fence)
        self._guest.pacing.deliver(frame_id, time.monotonic_ns())

    def compositor_layer_sync_with_semaphore(
        self, frame_id: int, layers: list[Layer], semaphore_id: int, semaphore_value: int
    ) -> None:
        surfaces = self._checked(frame_id, layers)
        self._guest.delivery.commit_after(surfaces, frame_id, semaphore_id, semaphore_value)
        self._guest.pacing.deliver(frame_id, time.monotonic_ns())

    def _checked(self, frame_id: int, layers: list[Layer]) -> list[Surface]:
        self._house.roster.check_running(self._guest.member)
        self._guest.pacing.check_begun(frame_id)
        return check_layers(layers, self._guest.delivery.chains.size_of)

    # ---- semaphores

    def compositor_semaphore_create(
        self, page: Vmo, doorbell: EventPair
    ) -> Answer[MonadoCompositorSemaphoreCreateResponse]:
        number = self._guest.delivery.add_semaphore(page, doorbell)
        return MonadoCompositorSemaphoreCreateResponse(number)

    def compositor_semaphore_destroy(self, semaphore_id: int) -> None:
        self._guest.delivery.remove_semaphore(semaphore_id)
