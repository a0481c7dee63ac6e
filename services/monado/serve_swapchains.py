"""The calls of swapchains."""

from __future__ import annotations

from ipcrt.bindings.arguments import Answer
from ipcrt.objects.vmo import Vmo
from ipcrt_services.monado.bindings import (
    MonadoServer,
    MonadoSwapchainAcquireImageResponse,
    MonadoSwapchainCreateResponse,
    MonadoSwapchainGetPropertiesResponse,
    MonadoSwapchainImportResponse,
    SwapchainInfo,
)
from ipcrt_services.monado.house import Guest, House


class SwapchainCalls(MonadoServer):
    """Images: made, drawn in turn, given up."""

    _house: House
    _guest: Guest

    def swapchain_get_properties(self, info: SwapchainInfo) -> MonadoSwapchainGetPropertiesResponse:
        return MonadoSwapchainGetPropertiesResponse(self._guest.delivery.chains.properties(info))

    async def swapchain_create(self, info: SwapchainInfo) -> MonadoSwapchainCreateResponse:
        self._house.roster.check_session(self._guest.member)
        number, images = await self._guest.delivery.chains.create(info)
        return MonadoSwapchainCreateResponse(number, images)

    def swapchain_import(
        self, info: SwapchainInfo, images: list[Vmo]
    ) -> MonadoSwapchainImportResponse:
        self._house.roster.check_session(self._guest.member)
        return MonadoSwapchainImportResponse(self._guest.delivery.chains.take(info, images))

    async def swapchain_acquire_image(
        self, swapchain_id: int
    ) -> MonadoSwapchainAcquireImageResponse:
        index = await self._guest.delivery.chains.acquire(swapchain_id)
        return MonadoSwapchainAcquireImageResponse(index)

    def swapchain_wait_image(self, swapchain_id: int, timeout_ns: int, index: int) -> Answer[None]:
        return self._guest.delivery.chains.wait(swapchain_id, index, timeout_ns)

    def swapchain_release_image(self, swapchain_id: int, index: int) -> None:
        self._guest.delivery.chains.release(swapchain_id, index)

    def swapchain_destroy(self, swapchain_id: int) -> None:
        self._guest.delivery.chains.destroy(swapchain_id)
