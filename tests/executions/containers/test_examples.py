"""The example types, as images made by examples/seed/build and as local processes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from executions.executors.base import Outcome
from jobtypes import seed
from tests.executions.containers.slot import Slot

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "seed"
pytestmark = [pytest.mark.containers, pytest.mark.slow]
Run = Callable[..., Outcome]


def manifest_of(name: str) -> dict[str, Any]:
    manifest = json.loads((EXAMPLES / name / "seed.manifest.json").read_text())
    report = seed.check_manifest(manifest)
    assert (report.errors, report.warnings) == ((), ())
    return seed.normalized(manifest)


@pytest.fixture(scope="module")
def images() -> list[str]:
    done = subprocess.run([EXAMPLES / "build"], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.split()


@pytest.fixture(params=["image", "process"])
def run(request: pytest.FixtureRequest, slot: Slot, settings: Any) -> Run:
    """Runs an example by its name, in both ways."""
    if request.param == "process":
        settings.SEED_PROGRAMS = {name: str(EXAMPLES / name / "run") for name in ("word-count", "checksum-files")}
        settings.SEED_PROGRAMS["declared-failure"] = str(EXAMPLES / "declared-failure" / "run")
    else:
        assert len(request.getfixturevalue("images")) == 3

    def run(name: str, **given: Any) -> Outcome:
        image = f"{name}-1.0.0-seed:1.0.0"
        return slot.run(manifest=manifest_of(name), job_type=name, image=image, **given)

    return run


def test_the_word_counter_counts(run: Run, folders: Path):
    (folders / "in" / "poem (final).txt").write_text("one two\nthree\n")

    outcome = run("word-count", files={"TEXT": [str(folders / "in" / "poem (final).txt")]})

    assert outcome.ok, outcome
    assert outcome.outputs["json"] == {"lines": 2, "words": 3, "bytes": 14}


def test_the_checksums_are_those_of_the_files(run: Run, folders: Path, kept: Any):
    for name in ("-b", "a b"):
        (folders / "in" / name).write_text(name)

    outcome = run("checksum-files", files={"FILES": [str(folders / "in" / name) for name in ("-b", "a b")]})

    assert outcome.ok, outcome
    assert outcome.outputs["json"] == {"count": 2}
    (file,) = outcome.outputs["files"]["SUMS"]
    sums = "".join(f"{sha256(name.encode()).hexdigest()}  {name}\n" for name in ("-b", "a b"))
    assert (kept(file).decode(), file["path"]) == (sums, "files.sha256")


def test_the_failure_has_its_name(run: Run, slot: Slot):
    named = run("declared-failure", values={"CODE": 3, "REASON": "it rains"})
    said = slot.err

    assert (named.error, named.exit_code, said) == ("bad-input", 3, "Asked to end with 3 because it rains\n")
    assert run("declared-failure", values={"CODE": 5}).error == "algorithm-unknown"
    assert run("declared-failure", values={"CODE": 0}).ok
