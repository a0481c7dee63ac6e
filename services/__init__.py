"""Example services, shipped in the wheel as `ipcrt_services`.

Each sub-package is one service: its `.fidl` file, the generated bindings, and its server.
They know `ipcrt`; `ipcrt` must never know them (the import contracts in pyproject.toml convict it).
"""
