"""Set up the virtual environment: `python .ci/setup.py GROUP...` installs what these groups need, and the project.

Groups are `runtime` and the optional dependencies of pyproject.toml; `runtime` is always in. Versions and hashes are
those of constraints.txt: pip takes no file whose SHA-256 is not listed there. A stamp per group, made of everything
that decides what is installed, lets a second call return at once. Several calls at a time wait for each other.

`python .ci/setup.py --check` only says whether this Python will do (exit code 0), or what it lacks.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit(f"{sys.executable} is Python {sys.version.split()[0]}, and Jobhouse needs Python 3.11 or newer.")

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / os.environ.get("VENV", ".venv")
PINS = ROOT / "constraints.txt"
PROJECT = ROOT / "pyproject.toml"

PARTS = {
    "venv": "Debian and Ubuntu: apt-get install python3-venv",
    "ensurepip": "Debian and Ubuntu: apt-get install python3-venv",
    "ssl": "rebuild Python with OpenSSL's headers installed",
    "sqlite3": "rebuild Python with SQLite's headers installed",
}
"""Parts of the standard library that some distributions leave out, and how to get them."""


def lacking() -> str | None:
    """What this Python lacks to make and fill a virtual environment, in one line; None if nothing."""
    in_our_venv = Path(sys.prefix) == VENV
    if in_our_venv and not importlib.util.find_spec("pip"):
        return f"{VENV} has no pip."
    for part, remedy in PARTS.items():
        if not in_our_venv and not importlib.util.find_spec(part):
            return f"{sys.executable} comes without its module {part} ({remedy})."
    return None


def pinned(groups: Iterable[str]) -> str:
    """The part of constraints.txt that `groups` need, as a requirements file.

    A heading such as `## lint test` there names the groups that need what follows it.
    """
    wanted, lines, taken = {"runtime", *groups}, [], False
    for line in PINS.read_text().splitlines():
        if line.startswith("## "):
            taken = not wanted.isdisjoint(line[3:].split())
        elif taken:
            lines.append(line)
    return "\n".join(lines) + "\n"


def digest(group: str) -> str:
    """Changes whenever `group` has to be installed anew: other pins, another project file, Python or place."""
    parts = (pinned([group]), PROJECT.read_text(), sys.version, str(ROOT), Path(__file__).read_text())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def stamp(group: str) -> Path:
    return VENV / f".installed-{group}"


def is_installed(group: str) -> bool:
    return stamp(group).exists() and stamp(group).read_text() == digest(group)


def venv_works() -> bool:
    """Whether there is a virtual environment of this very Python that has a pip."""
    show = "import sys, pip; print(sys.version)"
    try:
        answer = subprocess.run([VENV / "bin/python", "-c", show], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer.stdout.strip() == sys.version.strip()


def install(groups: list[str]) -> None:
    """Bring `groups` and the project into the virtual environment, which is made if there is none that works."""
    if not venv_works():
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    pip = [VENV / "bin/python", "-m", "pip", "--disable-pip-version-check", "install", "-qq"]
    with tempfile.NamedTemporaryFile("w", prefix="jobhouse-", suffix=".txt") as requirements:
        requirements.write(pinned(groups))
        requirements.flush()
        subprocess.run([*pip, "--require-hashes", "--requirement", requirements.name], check=True)
    # No build isolation: the pinned setuptools does it, and nothing unpinned is fetched for it.
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT], check=True)
    for group in groups:
        stamp(group).write_text(digest(group))


def main(groups: list[str]) -> None:
    known = {"runtime", *tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]}
    if unknown := set(groups) - known:
        sys.exit(f"No such group: {', '.join(sorted(unknown))}. There are {', '.join(sorted(known))}.")
    groups = sorted({"runtime", *groups})
    if all(map(is_installed, groups)) and venv_works():
        return
    lock = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    if all(map(is_installed, groups)) and venv_works():
        return
    print(f"Setting up {VENV.name} for {', '.join(groups)}, with Python {sys.version.split()[0]} ...", flush=True)
    install(groups)


if __name__ == "__main__":
    if problem := lacking():
        sys.exit(problem)
    if sys.argv[1:] != ["--check"]:
        try:
            main(sys.argv[1:])
        except subprocess.CalledProcessError as failure:
            sys.exit(f"Could not set up {VENV}: a command failed (exit code {failure.returncode}); it says why above.")
