"""What a wheel puts into a user's environment: ipcrt and ipcrt_services, nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests._speedups.twins import is_built

ROOT = Path(__file__).resolve().parents[1]
LOCKS = (ROOT / "requirements" / "dev.lock", ROOT / "requirements" / "bench.lock")
SHIPPED = {".py", ".pyi", ".fidl", ".typed"}
EXTENSION = "ipcrt/_speedups/_native" + sysconfig.get_config_var("EXT_SUFFIX")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist, built from a copy of the tree."""
    copy = tmp_path_factory.mktemp("build") / "tree"
    copy.mkdir()
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so")
    for name in ("ipcrt", "services", "aliases"):
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=ignore)
    for name in ("pyproject.toml", "setup.py", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, copy)
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", copy],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    [found] = (copy / "dist").glob("*.whl")
    return found


def test_the_wheel_holds_our_two_packages_whole(wheel: Path) -> None:
    expected = {
        (name / path.relative_to(ROOT / folder)).as_posix()
        for folder, name in (("ipcrt", Path("ipcrt")), ("services", Path("ipcrt_services")))
        for path in (ROOT / folder).rglob("*")
        if path.suffix in SHIPPED
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names - {EXTENSION} == expected
    assert (EXTENSION in names) == is_built()


def test_the_installed_wheel_imports(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    source = "import ipcrt, ipcrt_services as s; print(ipcrt.__file__, s.__file__, sep='\\n')"
    printed = subprocess.run(
        [sys.executable, "-c", source],
        check=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    expected = [tmp_path / name / "__init__.py" for name in ("ipcrt", "ipcrt_services")]
    assert printed.splitlines() == [str(path) for path in expected]


def test_the_editable_install_imports_by_the_shipped_name() -> None:
    source = (
        "import importlib.util as u, ipcrt_services;"
        "print(u.find_spec('services') is None, ipcrt_services.__name__)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", source],
        check=True,
        cwd="/",
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    assert printed == "True ipcrt_services\n"


def _direct_requirements() -> list[str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        settings = tomllib.load(file)
    project = settings["project"]
    extras = project["optional-dependencies"].values()
    texts = [*settings["build-system"]["requires"], *project["dependencies"]]
    texts += [text for extra in extras for text in extra]
    names = {re.split(r"[\[<>=!~; ]", text)[0] for text in texts}
    return sorted(names - {"ipcrt"})


@pytest.mark.parametrize("name", _direct_requirements())
def test_each_dependency_is_pinned_and_justified(name: str) -> None:
    locks = "".join(lock.read_text() for lock in LOCKS)
    pin = re.search(rf"^{name}==(\S+)$", locks, re.MULTILINE)
    assert pin, f"{name} is in no lock in requirements: run scripts/lock"
    page = (ROOT / "docs" / "dependencies.md").read_text()
    row = re.search(rf"^\| {name}(?: \(.*?\))? \| {re.escape(pin[1])} \|", page, re.MULTILINE)
    assert row, f"docs/dependencies.md has no row for {name} {pin[1]}"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_the_locks_name_no_index_and_no_path(lock: Path) -> None:
    for line in lock.read_text().splitlines():
        assert re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line), line
