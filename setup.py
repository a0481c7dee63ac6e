"""The optional C extension; everything else about this package stands in pyproject.toml."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCES = Path("ipcrt/_speedups")
EXTENSION = Extension(
    "ipcrt._speedups._native",
    sources=sorted(str(path) for path in SOURCES.glob("*.c")),
    depends=[str(SOURCES / "native.h")],
    extra_compile_args=["-std=c11", "-O2", "-D_GNU_SOURCE", "-fvisibility=hidden"],
    optional=True,
)


class BuildOrSkip(build_ext):
    """Build the extension, or say in one line that the package is pure Python."""

    def run(self) -> None:
        super().run()
        if not Path(self.get_ext_fullpath(EXTENSION.name)).exists():
            sys.stderr.write("ipcrt: no C compiler or Python headers: installed as pure Python\n")


has_gil = not sysconfig.get_config_var("Py_GIL_DISABLED")
setup(ext_modules=[EXTENSION] if has_gil else [], cmdclass={"build_ext": BuildOrSkip})
