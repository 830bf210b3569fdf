"""Input files: what a run names becomes a file in its private folder, before its container starts.

An entry of ``input.files`` is ``{"path": …}``, ``{"url": …}`` or ``{"id": …}`` (an output file of an earlier run), with
a `name` if it wants one; a text (``/data/a.txt``, ``https://…``) or a number alone stands for the same. A path must lie
in one of INPUT_FOLDERS once resolved; a URL goes through the house's one way out (executions.executors.outbound), and
may say with `bytes` how large its file is at most: room is made for that much, and no more is taken.
"""

from __future__ import annotations

import mimetypes
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from executions.executors import outbound
from executions.executors.addresses import Allowed
from executions.executors.seed import storage
from executions.executors.seed.failure import Failure
from executions.executors.seed.mounts import inside
from jobtypes.seed.read import INPUT_FILES, entries

MEBIBYTE = 1024 * 1024
MAX_NAME = 200  # bytes
_UNFIT = re.compile(r"[\x00-\x1f\x7f/]")
_COPY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of ``input.files``: exactly one of path, url, id."""

    path: str | None = None
    url: str | None = None
    id: int | None = None
    name: str | None = None
    bytes: int | None = None
    """Of a URL: how large its file is at the most."""


def reference(entry: Any) -> Reference:
    """What an entry refers to. Raises Failure: invalid-input."""
    match entry:
        case bool():
            pass
        case int():
            return Reference(id=entry)
        case str():
            return Reference(url=entry) if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", entry) else Reference(path=entry)
        case {"path": str(path), **rest} if not rest.keys() - {"name"}:
            return Reference(path=path, name=_text(rest.get("name")))
        case {"url": str(url), **rest} if not rest.keys() - {"name", "bytes"}:
            return Reference(url=url, name=_text(rest.get("name")), bytes=_number(rest.get("bytes")))
        case {"id": int(key), **rest} if not rest.keys() - {"name"} and not isinstance(key, bool):
            return Reference(id=key, name=_text(rest.get("name")))
    raise Failure("invalid-input", "An input file is none of a path, a URL and the id of an output file")


def references(files: Mapping[str, Any]) -> dict[str, list[Reference]]:
    """All that ``input.files`` refers to, by input. Raises Failure: invalid-input."""
    return {name: [reference(one) for one in _listed(given)] for name, given in files.items() if given is not None}


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Failure("invalid-input", "The name of an input file is not a text")
    return value


def _number(value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise Failure("invalid-input", "The size of an input file is no number of bytes")
    return value


def size(wanted: Iterable[Reference], kept: Mapping[int, int], folders: Sequence[str]) -> float:
    """MiB that these files take, as far as this machine can tell: a URL counts as what is said of it, or as the most
    that is fetched of one.

    `kept` is the size in bytes of output files by their id.
    """
    total = 0
    for one in wanted:
        if one.path is not None:
            real = os.path.realpath(one.path) if "\0" not in one.path else ""
            if any(inside(real, os.path.realpath(folder)) for folder in folders) and os.path.isfile(real):
                total += os.stat(real).st_size
        elif one.id is not None:
            total += kept.get(one.id, 0)
        else:
            total += min(outbound.MAX_BODY if one.bytes is None else one.bytes, outbound.MAX_BODY)
    return total / MEBIBYTE


@dataclass(frozen=True, slots=True)
class Fetched:
    """An input file in the run's private folder."""

    name: str
    bytes: int
    media_type: str | None
    """As its source tells, or its name; None where neither does."""


def fetch(
    wanted: Mapping[str, Sequence[Reference]],
    kept: Mapping[int, Mapping[str, Any]],
    into: Path,
    *,
    folders: Sequence[str],
    allow: Allowed,
) -> dict[str, list[Fetched]]:
    """Copy everything into ``into/<input>/<file name>``. `kept` says where output files of earlier runs lie, by id.

    Raises Failure: missing-file, deleted-file, pre-timeout, invalid-input, filesystem-io.
    """
    return {name: _fetch_all(references, kept, into / name, folders, allow) for name, references in wanted.items()}


def _fetch_all(
    wanted: Sequence[Reference],
    kept: Mapping[int, Mapping[str, Any]],
    folder: Path,
    folders: Sequence[str],
    allow: Allowed,
) -> list[Fetched]:
    folder.mkdir(mode=0o755, parents=True)
    taken: set[str] = set()
    fetched = []
    for number, one in enumerate(wanted, 1):
        name = file_name(one.name or _own_name(one, kept), taken, one.id or number)
        media_type = mimetypes.guess_type(name)[0]
        target = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        with open(target, "wb") as out:
            if one.url is not None:
                response = _download(one.url, allow, one.bytes)
                out.write(response.body)
                media_type = response.headers.get("Content-Type") or media_type
            elif one.id is not None:
                with _kept(one.id, kept) as source:
                    _copy(source, out)
                media_type = kept[one.id].get("media_type") or media_type
            else:
                with _opened(str(one.path), folders) as source:
                    _copy(source, out)
            fetched.append(Fetched(name, out.tell(), media_type))
    return fetched


def mismatches(manifest: Mapping[str, Any], fetched: Mapping[str, Sequence[Fetched]]) -> Iterator[str]:
    """A line for each file that is known to be of no media type that its input is declared to take. It only warns."""
    for _, entry in entries(manifest, INPUT_FILES):
        takes = {_essence(one) for one in entry.get("mediaTypes") or ()}
        for one in fetched.get(entry["name"], ()):
            if takes and one.media_type and _essence(one.media_type) not in takes:
                wanted = " or ".join(entry["mediaTypes"])
                yield f"{entry['name']}: {one.name!r} is {_essence(one.media_type)}, and {wanted} is expected"


def _essence(media_type: str) -> str:
    """A media type without its parameters."""
    return media_type.partition(";")[0].strip().lower()


def file_name(wanted: str, taken: set[str], number: int) -> str:
    """`wanted` as the name of a file, and of no other in `taken`, which it is added to; `number` tells two apart."""
    plain = _UNFIT.sub("_", wanted).encode("utf-8", "replace")[:MAX_NAME].decode("utf-8", "ignore").strip()
    name = plain if plain not in ("", ".", "..") else "file"
    if name in taken:
        name = f"{number}.{name}"
    taken.add(name)
    return name


def _own_name(one: Reference, kept: Mapping[int, Mapping[str, Any]]) -> str:
    if one.url is not None:
        return unquote(urlsplit(one.url).path.rpartition("/")[2])
    if one.id is not None:
        return str(kept.get(one.id, {}).get("path", "")).rpartition("/")[2]
    return str(one.path).rpartition("/")[2]


@contextmanager
def _opened(path: str, folders: Sequence[str]) -> Iterator[IO[bytes]]:
    if not os.path.isabs(path) or "\0" in path:
        raise Failure("missing-file", f"The input file {path!r} is no absolute path")
    real = os.path.realpath(path)
    real_folders = [os.path.realpath(folder) for folder in folders]
    if not any(inside(real, folder) for folder in real_folders):
        raise Failure("missing-file", f"The input file {path} is not in one of INPUT_FOLDERS")
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Failure("missing-file", f"The input file {path} cannot be read: {error.strerror}") from error
    opened = os.readlink(f"/proc/self/fd/{descriptor}")  # a folder on the way may have been swapped since
    if not stat.S_ISREG(os.fstat(descriptor).st_mode) or not any(inside(opened, one) for one in real_folders):
        os.close(descriptor)
        raise Failure("missing-file", f"The input file {path} is no plain file in one of INPUT_FOLDERS")
    with open(descriptor, "rb") as source:
        yield source


@contextmanager
def _kept(key: int, kept: Mapping[int, Mapping[str, Any]]) -> Iterator[IO[bytes]]:
    place = kept.get(key)
    if place is None:
        raise Failure("deleted-file", f"There is no output file {key} any more")
    try:
        with storage.named(place["workspace"], place["configuration"]).open(place["key"]) as source:
            yield source
    except FileNotFoundError as error:
        raise Failure("deleted-file", f"The output file {key} is gone from its workspace") from error


def _download(url: str, allow: Allowed, most: int | None) -> outbound.Response:
    try:
        response = outbound.fetch(outbound.Request("GET", url), allow=allow)
    except outbound.TimedOut as error:
        raise Failure("pre-timeout", f"An input file could not be fetched: {error}") from error
    except outbound.OutboundError as error:
        raise Failure("missing-file", f"An input file could not be fetched: {error}") from error
    if not 200 <= response.status < 300:
        raise Failure("missing-file", f"An input file could not be fetched: {response.url}: {response.status}")
    if response.truncated:
        raise Failure("missing-file", f"An input file is larger than {outbound.MAX_BODY // MEBIBYTE} MiB")
    if most is not None and len(response.body) > most:
        raise Failure("missing-file", f"An input file is larger than the {most} bytes that were said of it")
    return response


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while data := source.read(_COPY):
        target.write(data)
