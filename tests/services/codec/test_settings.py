from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from ipcrt.bindings.table import from_map, unknown_members
from ipcrt.errors import IpcError, Status
from ipcrt_services.codec.bindings import (
    MAX_BLOB_BYTES,
    BlobError,
    BlobFailed,
    Settings,
    SettingsError,
    SettingsFailed,
)
from ipcrt_services.codec.settings import DEFAULT_LEVEL, CodecSettings
from tests.services.codec.users import compress, make, open_codecs, text
from tests.services.conftest import Starter

REFUSED = [
    (Settings(level=0), SettingsError.LEVEL_OUT_OF_RANGE),
    (Settings(level=10), SettingsError.LEVEL_OUT_OF_RANGE),
    (Settings(level=2**32 - 1, max_output_bytes=5), SettingsError.LEVEL_OUT_OF_RANGE),
    (Settings(max_output_bytes=0), SettingsError.MAX_OUTPUT_BYTES_OUT_OF_RANGE),
    (
        Settings(level=9, max_output_bytes=MAX_BLOB_BYTES + 1),
        SettingsError.MAX_OUTPUT_BYTES_OUT_OF_RANGE,
    ),
]


def test_update_changes_what_is_present() -> None:
    settings = CodecSettings()
    assert (settings.level, settings.max_output_bytes) == (DEFAULT_LEVEL, MAX_BLOB_BYTES)
    settings.update(Settings(level=9))
    settings.update(Settings(max_output_bytes=100))
    assert settings.watched.value == Settings(level=9, max_output_bytes=100)
    assert (settings.level, settings.max_output_bytes) == (9, 100)
    settings.update(Settings())
    assert settings.watched.value == Settings(level=9, max_output_bytes=100)


def test_replace_sets_all() -> None:
    settings = CodecSettings()
    settings.replace(Settings(level=1, max_output_bytes=7))
    settings.replace(Settings(max_output_bytes=MAX_BLOB_BYTES))
    assert settings.watched.value == Settings(max_output_bytes=MAX_BLOB_BYTES)
    assert settings.level == DEFAULT_LEVEL
    settings.replace(Settings())
    assert settings.watched.value == Settings()


@pytest.mark.parametrize("bad, error", REFUSED)
def test_what_is_refused_changes_nothing(bad: Settings, error: SettingsError) -> None:
    settings = CodecSettings()
    settings.update(Settings(level=3))
    before = settings.watched.generation
    for change in (settings.update, settings.replace):
        with pytest.raises(SettingsFailed) as caught:
            change(bad)
        assert caught.value.error is error
    assert settings.watched.value == Settings(level=3)
    assert settings.watched.generation == before


def test_what_changes_nothing_is_no_news() -> None:
    settings = CodecSettings()
    before = settings.watched.generation
    settings.replace(Settings())
    assert settings.watched.generation == before
    settings.update(Settings(level=DEFAULT_LEVEL))  # set, where it was absent
    assert settings.watched.generation == before + 1


def test_a_newer_contracts_member_is_dropped() -> None:
    newer = from_map(Settings, {1: 4, 9: "new"}, lambda type_, value: value)
    assert isinstance(newer, Settings)
    assert unknown_members(newer)
    for change in ("update", "replace"):
        settings = CodecSettings()
        getattr(settings, change)(newer)
        assert settings.watched.value == Settings(level=4)
        assert not unknown_members(settings.watched.value)


@pytest.mark.anyio
async def test_settings_are_watched_and_hold_for_what_comes_after(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, (end,) = start("codec", tmp_path, loop=server_loop)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as codec:
        assert (await codec.watch()).settings == Settings()
        seen: list[Settings] = []

        async def watch() -> None:
            seen.append((await codec.watch(timeout=None)).settings)

        data = text(100_000) * 2
        usual = len(await compress(codec, data))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await anyio.wait_all_tasks_blocked()
            assert len(await compress(codec, data)) == usual
            assert seen == []
            await codec.update(Settings(level=1))
        assert seen == [Settings(level=1)]
        assert len(await compress(codec, data)) > usual
        for bad, error in REFUSED:
            with pytest.raises(SettingsFailed) as refused:
                await codec.update(bad)
            assert refused.value.error is error
        await codec.update(Settings(max_output_bytes=1000))
        assert (await codec.watch()).settings == Settings(level=1, max_output_bytes=1000)
        with pytest.raises(BlobFailed) as caught:
            await compress(codec, data)
        assert caught.value.error is BlobError.OUTPUT_TOO_LARGE
        await codec.replace(Settings())
        assert len(await compress(codec, data)) == usual


@pytest.mark.anyio
async def test_a_second_watch_ends_that_codec_alone(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, (end,) = start("codec", tmp_path, loop=server_loop)
    async with (
        open_codecs(end) as (port, [codecs]),
        await make(codecs, port) as codec,
        await make(codecs, port) as other,
    ):
        await codec.watch()

        async def watch() -> None:
            with pytest.raises(IpcError) as caught:
                await codec.watch()
            assert caught.value.status is Status.BAD_STATE

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            tasks.start_soon(watch)
        assert (await other.watch()).settings == Settings()
