"""What the figures were taken on: nothing that names the machine or its user."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from importlib.util import find_spec
from pathlib import Path


def describe() -> dict[str, str]:
    """Answer what matters to the figures."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release().partition("-")[0],
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "C library": " ".join(platform.libc_ver()),
        "extension in C": "built" if find_spec("ipcrt._speedups._native") else "not built",
        "uvloop": _version("uvloop"),
        "trio": _version("trio"),
        "msgspec": _version("msgspec"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    found = {name.strip(): value.strip() for name, _, value in (e.partition(":") for e in lines)}
    name = found.get("model name", platform.machine())
    return f"{name}, virtual" if "hypervisor" in found.get("flags", "").split() else name


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
