from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from ipcrt_services.monado.bindings import (
    Layer,
    LayerProjection,
    LayerQuad,
    Pose,
    Rect,
    SessionKind,
)
from ipcrt_services.monado.client import Chain
from ipcrt_services.monado.devices import simulated
from ipcrt_services.monado.scenes import Map, Panel, Room, scene_for

WIDTH, HEIGHT = 320, 180


class Shown:
    """Stands for a swapchain where nothing but its numbers is asked for."""

    number = 7
    rect = Rect(0, 0, WIDTH, HEIGHT)


def poses(at_s: float) -> dict[int, Pose]:
    return {device.id: device.relation(int(at_s * 1e9)).pose for device in simulated()}


def layer_of(place: int, clients: int) -> Layer:
    scene = scene_for(place, clients, WIDTH, HEIGHT)
    return scene.layer(cast("Chain", Shown()), 1, poses(1.0))


def test_the_first_draws_the_room_and_the_last_a_map() -> None:
    kinds = [type(scene_for(place, 4, WIDTH, HEIGHT)) for place in range(4)]
    assert kinds == [Room, Panel, Panel, Map]
    assert type(scene_for(0, 1, WIDTH, HEIGHT)) is Map
    assert scene_for(0, 4, WIDTH, HEIGHT).KIND is SessionKind.MAIN
    assert scene_for(1, 4, WIDTH, HEIGHT).KIND is SessionKind.OVERLAY


def test_the_room_is_the_world_and_the_others_hang_in_it() -> None:
    assert isinstance(layer_of(0, 4), LayerProjection)
    hung = [layer_of(place, 4) for place in (1, 2, 3)]
    poses = [layer.value.pose for layer in hung if isinstance(layer, LayerQuad)]
    places = {(pose.position.x, pose.position.y) for pose in poses}
    assert len(places) == 3


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_frame_touches_only_parts_of_an_image(place: int) -> None:
    scene = scene_for(place, 4, WIDTH, HEIGHT)
    image = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    scene.draw(0, image, 1.0, poses(1.0))
    before = image.copy()
    scene.draw(0, image, 1.1, poses(1.1))
    changed = (image != before).any(axis=2).mean()
    assert 0 < changed < 0.2
