"""An image for tests, made of busybox alone: its entry point is whatever words it is given."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from functools import cache
from typing import Any

IMAGE = "jobhouse-test-seed:1.0.0"


@cache
def provide(image: str = IMAGE) -> str:
    """Make the image where the engine has none of that name; return the name."""
    import docker  # an optional dependency: only tests that found an engine come here

    api = docker.from_env(version="auto", timeout=60).api
    if not any(image in tag for one in api.images() for tag in one.get("RepoTags") or ()):
        repository, _, tag = image.partition(":")
        api.import_image_from_data(_root(), repository=repository, tag=tag, changes=["ENV PATH=/bin"])
        api.tag(repository, repository, tag, force=True)  # Podman imports as `latest`, whatever is asked for
    api.close()
    return image


def _root() -> bytes:
    busybox = shutil.which("busybox")
    assert busybox, "needs a static busybox (Debian: busybox-static)"
    tools = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in ("bin", "tmp"):
            _add(tar, name, type=tarfile.DIRTYPE, mode=0o1777 if name == "tmp" else 0o755)
        tar.add(busybox, "bin/busybox")
        for tool in tools:
            if tool != "busybox":
                _add(tar, f"bin/{tool}", type=tarfile.SYMTYPE, linkname="busybox")
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, **facts: Any) -> None:
    entry = tarfile.TarInfo(name)
    for fact, value in facts.items():
        setattr(entry, fact, value)
    tar.addfile(entry)
