"""The `files` processor: the output goes to a file of its own, ``<folder>/<execution id>.log``.

    log_dir    a folder, absolute or relative to the first of OUTPUT_FOLDERS; that one itself where nothing is said

Only folders below those that the setting OUTPUT_FOLDERS lists are written to; where it lists none, that is `output` in
DATA_DIR. Folders that are missing are made. No symbolic link below an allowed folder is followed, and the name of a
file is made by the house.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import ClassVar

from django.conf import settings

from executions.processors.base import Ended, Processor, ProcessorError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FilesProcessor(Processor):
    name: ClassVar[str] = "files"
    title: ClassVar[str] = "Files"

    def process(self, ended: Ended, options: Mapping[str, str]) -> str:
        root, below = place(allowed(), options.get("log_dir", ""))
        name = f"{ended.execution}.log"
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            write(root, below, name, ended.output.encode("utf-8", "replace"))
        except OSError as error:
            raise ProcessorError(f"{root.joinpath(*below) / name}: {error.strerror}") from error
        return str(root.joinpath(*below) / name)


def allowed() -> list[Path]:
    """The folders that may be written below."""
    return [Path(folder) for folder in settings.OUTPUT_FOLDERS] or [settings.DATA_DIR / "output"]


def place(roots: list[Path], log_dir: str) -> tuple[Path, tuple[str, ...]]:
    """The allowed folder that `log_dir` lies in, and the names that lead from there to it. Raises ProcessorError."""
    if "\0" in log_dir or ".." in PurePath(log_dir).parts:
        raise ProcessorError("log_dir must not hold .. or NUL")
    wanted = roots[0] / log_dir  # an absolute one stands for itself
    root = next((root for root in roots if wanted.is_relative_to(root)), None)
    if root is None:
        raise ProcessorError(f"{log_dir[:200]} lies below none of OUTPUT_FOLDERS")
    return root, wanted.relative_to(root).parts


def write(root: Path, below: tuple[str, ...], name: str, data: bytes) -> None:
    """Write `data` to a file below `root`, a step at a time, since a name checked as a whole could change meanwhile."""
    folder = os.open(root, _FOLDER & ~os.O_NOFOLLOW)
    try:
        for step in below:
            with suppress(FileExistsError):
                os.mkdir(step, 0o700, dir_fd=folder)
            deeper = os.open(step, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = deeper
        with open(os.open(name, _FILE, 0o600, dir_fd=folder), "wb") as file:
            file.write(data)
    finally:
        os.close(folder)
