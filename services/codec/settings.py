"""A codec's settings: what its client has set, and what holds where it has not."""

from __future__ import annotations

from typing import Final

from ipcrt.bindings.hanging_get import HangingGet
from ipcrt.bindings.table import without_unknown
from ipcrt_services.codec.bindings import (
    MAX_BLOB_BYTES,
    Settings,
    SettingsError,
    SettingsFailed,
)

DEFAULT_LEVEL: Final = 6
_LEVELS: Final = range(1, 10)


class CodecSettings:
    """Settings that are watched. A member that only a newer contract knows is dropped."""

    def __init__(self) -> None:
        self.watched = HangingGet(Settings())

    @property
    def level(self) -> int:
        """What an encoder is made with."""
        level = self.watched.value.level
        return DEFAULT_LEVEL if level is None else level

    @property
    def max_output_bytes(self) -> int:
        """Where a blob's output is given up."""
        limit = self.watched.value.max_output_bytes
        return MAX_BLOB_BYTES if limit is None else limit

    def update(self, settings: Settings) -> None:
        """Change what is present. Raises: SettingsFailed: then nothing has changed."""
        old = self.watched.value
        self.replace(
            Settings(
                level=old.level if settings.level is None else settings.level,
                max_output_bytes=old.max_output_bytes
                if settings.max_output_bytes is None
                else settings.max_output_bytes,
            )
        )

    def replace(self, settings: Settings) -> None:
        """Change all. Raises: SettingsFailed: then nothing has changed."""
        level, limit = settings.level, settings.max_output_bytes
        if level is not None and level not in _LEVELS:
            raise SettingsFailed(SettingsError.LEVEL_OUT_OF_RANGE)
        if limit is not None and not 1 <= limit <= MAX_BLOB_BYTES:
            raise SettingsFailed(SettingsError.MAX_OUTPUT_BYTES_OUT_OF_RANGE)
        settings = without_unknown(settings)
        if settings != self.watched.value:
            self.watched.publish(settings)
