"""The settings of the tests: those of the house, with a data folder of the run's own and quick passwords.

Which database is tested is said by DATABASE_URL, as for a real house: unset, it is SQLite in a file. The test database
gets a name of its own, so that several runs can go on side by side.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def make_folder() -> Path:
    """A data folder for this run, its pytest-xdist workers and the processes that tests start; it goes with the run."""
    folder = Path(tempfile.mkdtemp(prefix="jobhouse-tests-"))
    os.environ["JOBHOUSE_TESTS"] = os.environ["DATA_DIR"] = str(folder)
    atexit.register(remove, folder, maker=os.getpid())
    return folder


def remove(folder: Path, maker: int) -> None:
    """Remove `folder`, in the process that made it: a forked child that ends must leave it to its parent."""
    if os.getpid() == maker:
        shutil.rmtree(folder, ignore_errors=True)


FOLDER = Path(os.environ["JOBHOUSE_TESTS"]) if "JOBHOUSE_TESTS" in os.environ else make_folder()

from config.settings import *  # noqa: E402, F403 - the settings read DATA_DIR as soon as they are imported
from config.settings import DATABASES  # noqa: E402

DATABASES["default"].setdefault("TEST", {})["NAME"] = (
    str(FOLDER / "test.sqlite3")
    if DATABASES["default"]["ENGINE"].endswith("sqlite3")
    else f"test_{DATABASES['default']['NAME']}_{FOLDER.name.rpartition('-')[2]}"
)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
