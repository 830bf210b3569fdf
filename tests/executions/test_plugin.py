"""The example of a package that adds an executor and a processor: installed with pip, found and used by a worker."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "examples" / "plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder that the example was installed into, from a copy: building leaves files where it builds."""
    source, target = tmp_path_factory.mktemp("plugin"), tmp_path_factory.mktemp("installed")
    for path in PLUGIN.rglob("*"):
        if path.suffix in (".py", ".toml"):
            (source / path.relative_to(PLUGIN)).parent.mkdir(exist_ok=True)
            (source / path.relative_to(PLUGIN)).write_bytes(path.read_bytes())
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    pip = [sys.executable, "-m", "pip", "install", *offline, "--target", str(target), str(source)]
    subprocess.run(pip, check=True, timeout=100, capture_output=True)
    return target


@pytest.mark.django_db(transaction=True)
def test_an_installed_package_adds_an_executor_and_a_processor(installed, tmp_path):
    with sqlite3.connect(tmp_path / "stock.db") as stock:
        stock.execute("CREATE TABLE stock (item TEXT, pieces INTEGER)")
        stock.executemany("INSERT INTO stock VALUES (?, ?)", [("bolts", 12), ("nuts", 200), ("washers", 0)])
    paths = os.pathsep.join([str(ROOT), str(installed)])

    house = subprocess.run(
        [sys.executable, "-m", "tests.executions.plugin_house", str(tmp_path / "stock.db")],
        env={**os.environ, "PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "config.settings", "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert house.returncode == 0, house.stderr
    assert json.loads(house.stdout.splitlines()[-1]) == ["COMPLETED", "2 rows", "2 rows, the last one: washers\t0"]
