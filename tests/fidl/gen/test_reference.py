"""The reference's thirty libraries in Python: all of it type-checks, imports, and can be sent."""

from __future__ import annotations

import importlib.util

import pytest

from tests.support.fidl import needs_reference
from tests.support.fidl_package import Package, compile_all, reference_libraries

pytestmark = [needs_reference, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    irs = compile_all(reference_libraries())
    return Package(tmp_path_factory.mktemp("reference"), "reference", irs)


def test_mypy_is_content(package: Package) -> None:
    assert package.mypy() == ""


def test_pyright_is_content(package: Package) -> None:
    if importlib.util.find_spec("pyright") is None:
        pytest.skip("pyright is not installed")
    assert package.pyright() == ""


def test_the_formatter_and_the_import_sorter_have_nothing_to_do(package: Package) -> None:
    assert package.ruff() == ""


def test_every_type_and_method_can_be_used(package: Package) -> None:
    assert len(package.texts) == 30
    done = package.use()
    assert done["struct"] > 600
    assert done["codec"] > 900
    assert min(done[kind] for kind in ("table", "union", "enum", "bits", "alias")) >= 15
