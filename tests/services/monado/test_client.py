"""What a client's frame and image become when drawing fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcrt.errors import IpcError
from ipcrt_services.monado.bindings import MonadoBlockingProxy
from ipcrt_services.monado.client import Client
from tests.services.monado.users import hosting, info_of

MORE_THAN_IMAGES = 4


class Blunder(Exception):
    pass


def test_a_frame_in_which_drawing_fails_is_discarded(tmp_path: Path) -> None:
    with hosting(tmp_path) as [monado], Client(monado, "painter") as client:
        client.begin()
        with pytest.raises(Blunder), client.frame():
            raise Blunder
        with client.frame() as frame:
            frame.show([])
        assert info_of(monado).frames == 1


def test_an_image_on_which_drawing_fails_is_given_back(tmp_path: Path) -> None:
    with (
        hosting(tmp_path) as [monado],
        Client(monado, "painter") as client,
        client.create_swapchain(16, 16) as chain,
    ):
        for _ in range(MORE_THAN_IMAGES):
            with pytest.raises(Blunder), chain.drawing():
                raise Blunder
        with chain.drawing():
            pass


def test_what_went_wrong_first_is_told(tmp_path: Path) -> None:
    with hosting(tmp_path) as [monado], Client(monado, "painter") as client:
        client.begin()
        with pytest.raises(Blunder), client.frame():
            _lose_the_service(monado)
        with pytest.raises(IpcError), client.frame():
            raise AssertionError("there is no service")


def _lose_the_service(monado: MonadoBlockingProxy) -> None:
    monado.close()
    raise Blunder
