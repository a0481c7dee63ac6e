from __future__ import annotations

import resource

import pytest

from ipcrt.locator.descriptors import descriptor_ceiling


@pytest.mark.parametrize("limit, ceiling", [(64, 48), (256, 192), (1024, 944), (20000, 19920)])
def test_how_many_descriptors_may_be_kept(limit: int, ceiling: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit > hard:
        pytest.skip(f"the hard limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        assert descriptor_ceiling() == ceiling
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
