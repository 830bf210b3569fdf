"""Write constraints.txt anew: the newest versions that pyproject.toml admits, with the hashes of their files.

    python .ci/pin.py            newest of everything
    python .ci/pin.py --keep     only what a changed pyproject.toml makes necessary

Needs uv on PATH (`pip install uv`). It resolves for every Python and platform that the project supports, once for all
groups together, so that one version of a package serves them all; what applies to some only carries a marker. Each
package then stands under a heading that names the groups that need it, which is what .ci/setup.py reads. No address of
an index gets into the file: where packages come from is the business of the machine that installs them.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "constraints.txt"
PROJECT = ROOT / "pyproject.toml"
HEAD = """\
# Every package of every group: its version and the SHA-256 of its files. Written by .ci/pin.py, read by .ci/setup.py.
# A heading names the groups of pyproject.toml that need what follows it. pip checks hashes only in a file that it is
# given with -r (`pip install --require-hashes -r constraints.txt` installs everything); with -c it refuses them.
"""


def resolve(extras: list[str], *options: str | Path) -> str:
    """What the runtime dependencies, the build backend and `extras` need, one pin after the other."""
    build = "\n".join(tomllib.loads(PROJECT.read_text())["build-system"]["requires"])
    command = [
        *("uv", "pip", "compile", "--quiet", "--no-config", "--universal", "--python-version", "3.11"),
        *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
        *(option for extra in extras for option in ("--extra", extra)),
        *options,
        *(PROJECT, "-"),
    ]
    return subprocess.run(command, input=build, capture_output=True, text=True, check=True).stdout


def blocks(pins: str) -> dict[str, str]:
    """Each package's lines, by its name."""
    found = re.findall(r"^\S.*(?:\n\s+--hash.*)*", pins, re.MULTILINE)
    return {re.split(r"[=<>;\[ ]", block, maxsplit=1)[0]: block for block in found}


def main(keep: bool) -> None:
    groups = sorted(tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"])
    with tempfile.TemporaryDirectory() as place:
        output = Path(place, "pins.txt")
        if keep and PINS.exists():
            output.write_text(PINS.read_text())
        resolve(groups, "--generate-hashes", "--output-file", output)  # prefers the versions that stand in the file
        everything = blocks(output.read_text())
        output.write_text("\n".join(everything.values()))
        needed_by = defaultdict(set)
        for group in ("runtime", *groups):
            for name in blocks(resolve([group] if group in groups else [], "--constraint", output)):
                needed_by[name].add(group)
    sections = defaultdict(list)
    for name, block in everything.items():
        users = needed_by[name]
        sections[("runtime",) if "runtime" in users else tuple(sorted(users))].append(block)
    order = sorted(sections, key=lambda users: (users != ("runtime",), users))
    PINS.write_text(HEAD + "".join(f"\n## {' '.join(users)}\n" + "\n".join(sections[users]) + "\n" for users in order))
    print(f"{PINS.name}: {len(everything)} packages")


if __name__ == "__main__":
    try:
        main(keep="--keep" in sys.argv[1:])
    except subprocess.CalledProcessError as failure:
        sys.exit(failure.stderr)
