"""The service's face for one client; what it does is told in the contract.

The calls stand in the order of the contract, by what they are about: each group is a class of its
own, and `MonadoClient` is all of them.
"""

from __future__ import annotations

from ipcrt.errors import IpcError
from ipcrt_services.monado.bindings import (
    ClientDescription,
    ClientInfo,
    MonadoInstanceGetShmFdResponse,
    MonadoSystemCompositorGetInfoResponse,
    MonadoSystemGetClientInfoResponse,
    MonadoSystemGetClientsResponse,
    MonadoSystemGetMirrorResponse,
    MonadoSystemToggleIoClientResponse,
)
from ipcrt_services.monado.house import House
from ipcrt_services.monado.serve_devices import DeviceCalls
from ipcrt_services.monado.serve_frames import FrameCalls
from ipcrt_services.monado.serve_swapchains import SwapchainCalls


class MonadoClient(DeviceCalls, FrameCalls, SwapchainCalls):
    """One client."""

    def __init__(self, house: House, pid: int, uid: int) -> None:
        """`pid` and `uid` are the client's, as the kernel told the locator."""
        self._house = house
        self._guest = house.welcome(pid, uid)

    def __str__(self) -> str:
        return str(self._guest)

    def client_gone(self, reason: IpcError) -> None:
        del reason
        self._house.dismiss(self._guest)

    # ---- instance

    def instance_get_shm_fd(self) -> MonadoInstanceGetShmFdResponse:
        return MonadoInstanceGetShmFdResponse(self._house.state.share())

    def instance_describe_client(self, desc: ClientDescription) -> None:
        self._guest.member.name = desc.application_name

    # ---- system

    def system_get_clients(self) -> MonadoSystemGetClientsResponse:
        return MonadoSystemGetClientsResponse(self._guest.member.id, self._house.roster.ids())

    def system_get_client_info(self, client_id: int) -> MonadoSystemGetClientInfoResponse:
        return MonadoSystemGetClientInfoResponse(info_of(self._house, client_id))

    def system_set_client_info(self, desc: ClientDescription, z_order: int) -> None:
        self._guest.member.name = desc.application_name
        self._guest.member.z_order = z_order

    def system_set_primary_client(self, client_id: int) -> None:
        self._house.roster.set_primary(client_id)

    def system_set_focused_client(self, client_id: int) -> None:
        self._house.roster.set_focused(client_id)

    def system_toggle_io_client(self, client_id: int) -> MonadoSystemToggleIoClientResponse:
        return MonadoSystemToggleIoClientResponse(self._house.roster.toggle_io(client_id))

    def system_compositor_get_info(self) -> MonadoSystemCompositorGetInfoResponse:
        return MonadoSystemCompositorGetInfoResponse(self._house.settings.info())

    def system_get_mirror(self) -> MonadoSystemGetMirrorResponse:
        mirror = self._house.presenter.mirror
        return MonadoSystemGetMirrorResponse(mirror.share(), *mirror.size)


def info_of(house: House, client_id: int) -> ClientInfo:
    """Answer what all may know of a client. Raises: Refused."""
    guest = house.guest(client_id)
    member, roster = guest.member, house.roster
    return ClientInfo(
        member.id,
        member.pid,
        member.name,
        member.session is not None,
        member.running,
        roster.is_visible(member),
        roster.is_focused(member),
        member.overlay,
        member.io_active,
        member.z_order,
        guest.pacing.frames,
        guest.pacing.missed + guest.delivery.dropped,
        guest.delivery.images.statistics()["swapchains"],
    )
