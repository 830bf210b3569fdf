"""constraints.txt: what it promises to whoever installs from it."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PINS = (ROOT / "constraints.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
GROUPS = {"runtime": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
PINNED = {Requirement(line.rstrip(" \\")) for line in PINS.splitlines() if re.match(r"\w", line)}
VERSIONS = {pin.name: next(iter(pin.specifier)).version for pin in PINNED}


@pytest.mark.parametrize("group", GROUPS)
def test_every_dependency_is_pinned_at_a_version_that_the_project_admits(group):
    for line in GROUPS[group]:
        wanted = Requirement(line)

        assert wanted.specifier.contains(VERSIONS[wanted.name.lower()]), line


def test_every_package_carries_hashes():
    blocks = re.split(r"\n(?=\w)", PINS)[1:]

    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert len(blocks) == len(PINNED)


def test_no_address_of_an_index_stands_in_the_pins():
    assert re.findall(r"\w+://\S+|--(?:extra-)?index-url|--find-links", PINS) == []


def test_every_package_stands_under_a_heading_of_known_groups():
    headings = re.findall(r"^## (.*)", PINS, re.MULTILINE)

    assert {group for heading in headings for group in heading.split()} == set(GROUPS)
    assert PINS.index("## runtime") < re.search(r"^\w", PINS, re.MULTILINE).start()
