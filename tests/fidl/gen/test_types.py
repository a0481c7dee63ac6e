"""Names and shapes that are hard on Python: the text passes both type checkers, and works."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from ipcrt.fidl.source import SourceFile
from tests.fidl.gen.compiling import HERE, ZX
from tests.support.fidl_package import Package, compile_all

FILES = (ZX, *(HERE / f"hard/{name}.fidl" for name in ("async", "ipcrt", "enum", "names", "types")))
PLATFORMS = {"ipcrt": "HEAD"}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    libraries = [[SourceFile(path.name, path.read_text())] for path in FILES]
    return Package(tmp_path_factory.mktemp("hard"), "hard_ones", compile_all(libraries, PLATFORMS))


def test_no_module_is_called_like_one_that_is_there(package: Package) -> None:
    modules = ["async_.py", "enum_.py", "hard_names.py", "hard_types.py", "ipcrt_.py", "zx.py"]
    assert sorted(package.texts) == modules


def test_mypy_is_content(package: Package) -> None:
    assert package.mypy() == ""


def test_pyright_is_content(package: Package) -> None:
    if importlib.util.find_spec("pyright") is None:
        pytest.skip("pyright is not installed")
    assert package.pyright() == ""


def test_the_formatter_and_the_import_sorter_have_nothing_to_do(package: Package) -> None:
    assert package.ruff() == ""


def test_every_type_and_method_can_be_used(package: Package) -> None:
    done = package.use()
    assert done["struct"] > 60
    assert done["method"] > 50
    assert min(done[kind] for kind in ("table", "union", "enum", "bits", "alias")) >= 3


@pytest.fixture
def names(package: Package, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(package.folder), *sys.path])
    yield importlib.import_module("hard_ones.hard_names")
    for name in [name for name in sys.modules if name.startswith("hard_ones")]:
        del sys.modules[name]


def test_constants_mean_what_they_meant(names: Any) -> None:
    text = "a \"b\" 'c' \\ \r\n\t \U0001f600 \u2028 \x7f {x} %s \\N{DIGIT ONE}"
    assert (text, '"', "") == (names.TEXT, names.QUOTES, names.NO_TEXT)
    assert (names.SMALLEST, names.LARGEST) == (-(1 << 63), (1 << 64) - 1)
    assert (names.I8, names.U8, names.BYTE) == (-128, 255, 255)
    assert (sys.float_info.max, 5e-324) == (names.HUGE, names.TINY)
    assert (names.NEGATIVE, names.WHOLE) == (-3.4028234e38, 1.0)
    assert names.YES is True
    assert names.FLAG == names.Flags.NAME | names.Flags.VALUE
    assert names.FIRST.name == "A"


def test_documentation_is_what_was_written(names: Any) -> None:
    assert names.__doc__ == "Ends with a backslash: \\"
    assert 'a quote at the end "' in Path(names.__file__).read_text()


def test_names_that_python_spells_alike_stay_apart(names: Any) -> None:
    assert names.Node1_(names.Node2(names.Node1(1))).a.a == names.Node1(1)
    shapes = names.ShapePart1, names.ShapePart1_, names.ShapeAB_
    assert [shape.__struct_config__.tag for shape in shapes] == [1, 2, 3]
    assert {m.name for m in names.Shape2.TABLE.by_ordinal.values()} == {"go", "go_now", "g_o"}


def test_selectors_are_those_of_whoever_declares_the_method(names: Any) -> None:
    found = {m.name: m.selector for m in names.Hard.TABLE.by_ordinal.values()}
    assert found["ask"] == "async/Base.Ask"
    assert found["local_one"] == "hard.names/Local.LocalOne"
    assert found["selected"] == "hard.names/Old.Name"
    assert found["selected2"] == "hard.names/Hard.Renamed"


def test_a_method_composed_through_two_libraries_has_its_ordinal(names: Any) -> None:
    far, near = names.Far.TABLE.by_ordinal, names.Hard.TABLE.by_ordinal
    assert {m.name for m in far.values()} == {"ask", "put", "on_item"}
    assert all(near[ordinal].name == method.name for ordinal, method in far.items())
