"""The service, call by call."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ipcrt.objects.event import Event
from ipcrt.objects.handle import close_all
from ipcrt.shm.sync import TimelineSync
from ipcrt_services.monado.__main__ import SERVICE
from ipcrt_services.monado.bindings import (
    HAND_JOINTS,
    MAX_CLIENTS,
    ClientDescription,
    Format,
    InputName,
    LayerFlags,
    OutputName,
    Pose,
    Refusal,
    SessionEvent,
    SessionInfo,
    SessionKind,
    SwapchainInfo,
    Vec3,
    Vibration,
)
from ipcrt_services.monado.client import Client, quad
from ipcrt_services.monado.devices import HEAD, LEFT, RIGHT
from ipcrt_services.monado.geometry import UPRIGHT
from ipcrt_services.monado.layout import COMPOSITOR, INPUTS, POSES, SYSTEM
from tests.services.monado import users
from tests.services.monado.refusing import refused
from tests.services.monado.users import (
    VIEW,
    hosting,
    info_of,
    mirror_of,
    show_colour,
    until_seen,
)
from tests.support.waiting import wait_until

MAIN = SessionInfo(SessionKind.MAIN, 0)
SMALL = SwapchainInfo(16, 16, Format.RGBA8_UNORM)
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
BACKGROUND = (12, 14, 24)


def test_clients_of_one_user_share_what_memory_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = f"uid_bytes = {1 << 20}\n"
    monkeypatch.setattr(users, "SETTINGS", users.SETTINGS + limit)
    most = SwapchainInfo(256, 300, Format.RGBA8_UNORM)
    with hosting(tmp_path, 3) as [one, two, three]:
        for each in (one, two, three):
            each.session_create(MAIN)
        made = one.swapchain_create(most)
        close_all(made.images)
        assert refused(two.swapchain_create, most) is Refusal.TOO_MANY
        close_all(two.swapchain_create(SMALL).images)
        one.swapchain_destroy(made.swapchain_id)
        close_all(three.swapchain_create(most).images)
        assert refused(one.swapchain_create, most) is Refusal.TOO_MANY
        three.close()
        wait_until(lambda: len(one.system_get_clients().ids) == 2)
        close_all(one.swapchain_create(most).images)


def test_who_is_there(tmp_path: Path) -> None:
    with hosting(tmp_path, 2) as [one, two]:
        one.instance_describe_client(ClientDescription("one"))
        assert one.system_get_clients().ids == two.system_get_clients().ids == [1, 2]
        assert two.system_get_clients().own == 2
        info = two.system_get_client_info(1).info
        assert (info.application_name, info.pid) == ("one", os.getpid())
        assert not info.session_active
        two.system_set_client_info(ClientDescription("zwei"), 7)
        info = one.system_get_client_info(2).info
        assert (info.application_name, info.z_order) == ("zwei", 7)
        assert refused(one.system_get_client_info, 3) is Refusal.NO_SUCH_CLIENT
        one.close()
        while two.system_get_clients().ids != [2]:
            time.sleep(0.001)


def test_a_session_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    with hosting(tmp_path) as [monado]:
        assert refused(monado.session_begin) is Refusal.NO_SESSION
        assert refused(monado.swapchain_create, SMALL) is Refusal.NO_SESSION
        assert refused(monado.session_poll_events) is Refusal.NO_SESSION
        monado.session_create(MAIN)
        assert refused(monado.compositor_predict_frame) is Refusal.SESSION_NOT_RUNNING
        monado.session_begin()
        assert monado.session_poll_events().events == [SessionEvent(True, True)]
        for image in monado.swapchain_create(SMALL).images:
            image.close()
        assert info_of(monado).swapchains == 1
        monado.session_end()
        assert monado.session_poll_events().events == [SessionEvent(False, False)]
        monado.session_destroy()
        info = info_of(monado)
        assert (info.session_active, info.swapchains) == (False, 0)


def test_poses_are_read_without_a_call(tmp_path: Path) -> None:
    with hosting(tmp_path) as [monado], Client(monado, "reader") as client:
        state = client.state
        system = state.read(SYSTEM)
        assert (system.rate_hz, system.head, system.left, system.right) == (1000, HEAD, LEFT, RIGHT)
        for device, section in POSES.items():
            version = state.wait(section, state.version(section) + 3, 10.0)
            assert version > 3
            pose = state.read(section)
            asked = monado.device_get_tracked_pose(
                device,
                InputName.SIMPLE_GRIP_POSE if device else InputName.GENERIC_HEAD_POSE,
                pose.timestamp_ns,
            ).relation
            told = asked.pose.position
            assert pose.position == pytest.approx((told.x, told.y, told.z), abs=1e-6)
            assert time.monotonic_ns() - pose.timestamp_ns >= 0


def test_where_a_device_will_be_is_told_without_a_call(tmp_path: Path) -> None:
    grip = InputName.SIMPLE_GRIP_POSE
    with hosting(tmp_path) as [monado], Client(monado, "reader") as client:
        later = client.state.read(POSES[LEFT]).timestamp_ns + 20_000_000
        told = monado.device_get_tracked_pose(LEFT, grip, later).relation.pose.position
        found = client.pose_at(LEFT, later).position
        assert (found.x, found.y, found.z) == pytest.approx((told.x, told.y, told.z), abs=1e-3)
        assert client.pose(LEFT).pose.position != found


def test_devices_are_asked_and_told(tmp_path: Path) -> None:
    grip, hand = InputName.SIMPLE_GRIP_POSE, InputName.GENERIC_HAND_TRACKING_LEFT
    with hosting(tmp_path) as [monado], Client(monado, "user") as client:
        now = time.monotonic_ns()
        joints = monado.device_get_hand_tracking(LEFT, hand, now)
        assert (len(joints.joints), joints.timestamp_ns) == (HAND_JOINTS, now)
        monado.device_update_input(LEFT)
        assert client.state.read(INPUTS[LEFT]).timestamp_ns >= now
        limits = monado.device_get_output_limits(RIGHT).limits
        monado.device_set_output(
            RIGHT, OutputName.SIMPLE_VIBRATION, Vibration(9, 0.5, limits.max_duration_ns)
        )
        section = POSES[RIGHT]
        while client.state.read(section).vibration != 0.5:
            client.state.wait(section, timeout=10)
        shake = Vibration(1, 1, 1)
        for call, arguments, reason in (
            (monado.device_get_tracked_pose, (3, grip, 0), Refusal.NO_SUCH_DEVICE),
            (monado.device_get_tracked_pose, (HEAD, grip, 0), Refusal.NO_SUCH_INPUT),
            (monado.device_get_hand_tracking, (RIGHT, hand, 0), Refusal.NO_SUCH_INPUT),
            (monado.device_get_hand_tracking, (HEAD, hand, 0), Refusal.NO_SUCH_INPUT),
            (monado.device_set_output, (HEAD, OutputName(1), shake), Refusal.NO_SUCH_INPUT),
            (monado.device_update_input, (9,), Refusal.NO_SUCH_DEVICE),
            (monado.device_get_output_limits, (9,), Refusal.NO_SUCH_DEVICE),
        ):
            assert refused(call, *arguments) is reason


def test_devices_are_taken_away_from_one_client(tmp_path: Path) -> None:
    grip = InputName.SIMPLE_GRIP_POSE
    with hosting(tmp_path, 2) as [one, two]:
        assert two.system_toggle_io_client(1).io_active is False
        assert not info_of(one).io_active
        assert not one.device_get_tracked_pose(LEFT, grip, 0).relation.flags
        head = one.device_get_tracked_pose(HEAD, InputName.GENERIC_HEAD_POSE, 0)
        assert head.relation.flags
        assert refused(one.device_update_input, LEFT) is Refusal.IO_INACTIVE
        assert two.device_get_tracked_pose(LEFT, grip, 0).relation.flags
        two.device_update_input(LEFT)
        assert two.system_toggle_io_client(1).io_active is True
        one.device_update_input(LEFT)


def test_a_picture_goes_from_a_client_to_the_mirror(tmp_path: Path) -> None:
    with (
        hosting(tmp_path) as [monado],
        mirror_of(monado) as mirror,
        Client(monado, "painter") as client,
    ):
        info = monado.system_compositor_get_info().info
        assert (info.view_width, info.view_count) == (VIEW, 2)
        client.begin()
        show_colour(client, RED)
        until_seen(mirror, RED)
        assert mirror.take().shape == (VIEW, 2 * VIEW, 4)
        composed = client.state.read(COMPOSITOR)
        assert (composed.layers, composed.clients) == (1, 1)
        assert info_of(monado).frames == 1
        monado.session_end()
        until_seen(mirror, BACKGROUND)


def test_a_session_that_begins_again_shows_nothing_old(tmp_path: Path) -> None:
    with (
        hosting(tmp_path, 2) as [one, two],
        mirror_of(one) as mirror,
        Client(one, "one") as first,
        Client(two, "two", SessionKind.OVERLAY) as second,
    ):
        for client, colour in ((first, RED), (second, BLUE)):
            client.begin()
            show_colour(client, colour)
            until_seen(mirror, colour)
        one.session_end()
        one.session_begin()
        with second.frame() as frame:
            frame.show([])
        until_seen(mirror, BACKGROUND)


def test_a_frame_out_of_turn_is_not_shown(tmp_path: Path) -> None:
    ahead = Pose(UPRIGHT, Vec3(0.0, 0.0, -1.0))
    with (
        hosting(tmp_path) as [monado],
        mirror_of(monado) as mirror,
        Client(monado, "painter") as client,
        client.create_swapchain(16, 16) as chain,
    ):
        client.begin()
        show_colour(client, RED)
        until_seen(mirror, RED)
        with chain.drawing() as image:
            image.pixels[...] = (*GREEN, 255)
        layer = quad(chain, image.index, ahead, (1.0, 1.0), LayerFlags.VIEW_SPACE)
        frame = monado.compositor_predict_frame().frame_id
        assert refused(monado.compositor_layer_sync, frame, [layer], None) is Refusal.BAD_FRAME
        for _ in range(2):
            mirror.wait(mirror.version, 10.0)
        until_seen(mirror, RED)


def test_the_primary_client_is_seen_and_overlays_above_it(tmp_path: Path) -> None:
    with (
        hosting(tmp_path, 3) as [one, two, three],
        mirror_of(one) as mirror,
        Client(one, "one") as first,
        Client(two, "two") as second,
        Client(three, "above", SessionKind.OVERLAY) as above,
    ):
        for client, colour in ((first, RED), (second, GREEN)):
            client.begin()
            show_colour(client, colour)
        until_seen(mirror, RED)
        one.system_set_primary_client(2)
        until_seen(mirror, GREEN)
        above.begin()
        show_colour(above, BLUE)
        until_seen(mirror, BLUE)
        assert info_of(two).session_focused
        one.system_set_focused_client(3)
        assert info_of(three).session_focused
        three.session_end()
        until_seen(mirror, GREEN)
        assert info_of(two).session_focused


def test_frames_may_wait_for_fences_and_semaphores(tmp_path: Path) -> None:
    with (
        hosting(tmp_path) as [monado],
        Client(monado, "painter") as client,
        client.create_swapchain(16, 16) as chain,
        TimelineSync.create() as line,
    ):
        client.begin()
        number = monado.compositor_semaphore_create(*line.share()).semaphore_id
        with Event.create() as fence, client.frame() as frame:
            with chain.drawing():
                pass
            frame.show([], fence.duplicate())
            fence.signal()
        with client.frame() as frame:
            frame.show_after([], number, 1)
            line.signal(1)
        monado.compositor_semaphore_destroy(number)
        assert refused(monado.compositor_semaphore_destroy, number) is Refusal.NO_SUCH_SEMAPHORE
        assert info_of(monado).frames == 2


def test_wait_frame_sleeps_until_it_is_time(tmp_path: Path) -> None:
    with hosting(tmp_path) as [monado], Client(monado, "painter") as client:
        client.begin()
        for _ in range(3):
            told = monado.compositor_wait_frame()
            assert time.monotonic_ns() >= (
                told.predicted_display_time_ns - told.predicted_display_period_ns
            )
            monado.compositor_begin_frame(told.frame_id)
            monado.compositor_layer_sync(told.frame_id, [], None)


def test_a_frame_may_be_discarded(tmp_path: Path) -> None:
    with hosting(tmp_path) as [monado], Client(monado, "painter") as client:
        client.begin()
        with client.frame():
            pass
        with client.frame() as frame:
            frame.show([])
        assert info_of(monado).frames == 1


def test_a_clients_own_images_are_shown(tmp_path: Path) -> None:
    with hosting(tmp_path) as [monado], Client(monado, "painter") as client:
        told = monado.swapchain_get_properties(SMALL).properties
        assert (told.image_count, told.size_bytes) == (3, 4096)
        client.begin()
        with client.import_swapchain(16, 16) as chain:
            for expected in (0, 1, 2, 0):
                with client.frame() as frame:
                    with chain.drawing() as image:
                        assert image.index == expected
                    frame.show([])
        assert info_of(monado).swapchains == 0
        assert refused(monado.swapchain_destroy, chain.number) is Refusal.NO_SUCH_SWAPCHAIN


def test_one_user_cannot_take_all_places() -> None:
    assert SERVICE.limits.clients_per_uid < SERVICE.limits.clients == MAX_CLIENTS
