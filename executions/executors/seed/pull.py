"""Having an image here: looked for, and pulled where CONTAINER_PULL says so, within a time, until somebody says stop.

`sdk` is the docker SDK, `api` its client for one engine.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from contextlib import suppress
from typing import Any

from executions.executors.seed.failure import Failure, said

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,499}")
_LOOK = 0.1  # seconds between two looks at whether a pull is to end

_Told = queue.SimpleQueue[str | Exception | None]
"""How a pull ended: None well, a text what the engine says is wrong, or what was raised."""


def provide(sdk: Any, api: Any, image: str, policy: str, stop: threading.Event, within: float) -> None:
    """Have the image here. Returns without it only when `stop` is set. Raises Failure: pull, pull-timeout."""
    if not _IMAGE.fullmatch(image) or ".." in re.split(r"[/:@]", image):
        raise Failure("pull", f"{image!r} is no name of an image")
    try:
        if policy != "always":
            with suppress(sdk.errors.ImageNotFound):
                api.inspect_image(image)
                return
        if policy == "never":
            raise Failure("pull", f"There is no image {image} here, and CONTAINER_PULL=never")
        _pull(sdk, api, image, stop, within)
    except (sdk.errors.DockerException, OSError) as error:
        raise Failure("pull", f"The image {image} could not be pulled: {said(error)}") from error


def _pull(sdk: Any, api: Any, image: str, stop: threading.Event, within: float) -> None:
    """A registry may fall silent in the middle of a line: a thread reads, which may be left where it hangs."""
    repository, tag = sdk.utils.parse_repository_tag(image)
    told: _Told = queue.SimpleQueue()
    threading.Thread(target=_read, args=(api, repository, tag or "latest", told), daemon=True).start()
    deadline = time.monotonic() + within
    while not stop.is_set():
        if time.monotonic() > deadline:
            raise Failure("pull-timeout", f"The image {image} was not pulled within {within:g} s")
        with suppress(queue.Empty):
            match told.get(timeout=_LOOK):
                case None:
                    api.inspect_image(image)
                    return
                case Exception() as error:
                    raise error
                case problem:
                    raise Failure("pull", f"The image {image} could not be pulled: {problem[:300]}")


def _read(api: Any, repository: str, tag: str, told: _Told) -> None:
    try:
        for line in api.pull(repository, tag=tag, stream=True, decode=True):
            if "error" in line:
                told.put(str(line["error"]))
                return
    except Exception as error:  # noqa: BLE001  # a thread's: whatever it is, it is raised where the pull is awaited
        told.put(error)
    else:
        told.put(None)
