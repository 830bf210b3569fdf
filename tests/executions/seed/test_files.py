"""Names, places and patterns of files: what a run says is data, what the house allows is a setting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from executions.api.files import shown_name
from executions.executors.seed import inputs, outputs, storage
from executions.executors.seed.failure import Failure
from executions.executors.seed.mounts import Policy
from executions.executors.seed.variables import variables


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("a.txt", "a.txt"),
        ("", "file"),
        ("..", "file"),
        ("a/b\0c\n", "a_b_c_"),
        ("é" * 300, "é" * 100),
        ("-rf", "-rf"),
    ],
)
def test_an_input_file_gets_a_name_that_is_one(wanted, name):
    assert inputs.file_name(wanted, set(), 1) == name


def test_the_second_file_of_a_name_is_numbered():
    taken = {"b"}

    assert [inputs.file_name("a", taken, number) for number in (1, 2, 3)] == ["a", "2.a", "3.a"]


def test_a_url_counts_as_large_as_it_is_said_to_be():
    wanted = [inputs.reference(one) for one in ("http://h/a", {"url": "http://h/b", "bytes": 2**20})]

    assert inputs.size(wanted[:1], {}, []) == 10
    assert inputs.size(wanted, {}, []) == 11
    assert inputs.size([inputs.reference({"url": "http://h/c", "bytes": 2**40})], {}, []) == 10


@pytest.mark.parametrize("given", ["1", -1, 1.5, True, []])
def test_the_size_of_a_url_is_a_number_of_bytes(given):
    with pytest.raises(Failure, match="number of bytes"):
        inputs.reference({"url": "http://h/a", "bytes": given})


def test_a_file_of_another_media_type_is_told_and_taken():
    interface = {"inputs": {"files": [{"name": "F", "mediaTypes": ["text/plain", "image/PNG"]}, {"name": "ANY"}]}}
    files = [
        inputs.Fetched(name, 1, media_type)
        for name, media_type in [("a", "text/plain; charset=utf-8"), ("b", None), ("c", "image/png"), ("d", "a/b")]
    ]

    told = list(inputs.mismatches({"job": {"interface": interface}}, {"F": files, "ANY": files}))

    assert told == ["F: 'd' is a/b, and text/plain or image/PNG is expected"]


@pytest.mark.parametrize(
    "entry", [True, 1.5, None, [], {}, {"path": 1}, {"path": "/a", "mode": 1}, {"path": "/a", "bytes": 1}, {"id": True}]
)
def test_what_is_no_reference_is_refused(entry):
    with pytest.raises(Failure, match="none of a path"):
        inputs.reference(entry)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("sub/a.txt", "a.txt"),
        ('a"b;c.txt', "a_b;c.txt"),
        ("new\nline\r.txt", "new_line_.txt"),
        ("../..", "file"),
        ("\u202egpj.exe", "_gpj.exe"),
        ("x" * 500, "x" * 150),
    ],
)
def test_a_download_is_saved_under_a_harmless_name(path, name):
    assert shown_name(path) == name


def test_a_mount_policy_heeds_links_prefixes_and_what_is_forbidden(tmp_path: Path):
    for name in ("data", "data-2", "var"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "data-2")
    policy = Policy([str(tmp_path / "data"), f"{tmp_path}/var:rw"], [str(tmp_path / "var" / "keys")])

    assert policy.folder(str(tmp_path / "data"), writable=False) == str(tmp_path / "data")
    for path, writable in [("data-2", False), ("data/link", False), ("data", True), ("var", True), ("data/x", False)]:
        with pytest.raises(Failure) as refusal:
            policy.folder(str(tmp_path / path), writable=writable)
        assert refusal.value.error == "missing-mount"


def test_a_workspace_outside_of_the_house_needs_a_listed_folder(settings, tmp_path: Path):
    (tmp_path / "out").mkdir()
    configuration = {"broker": {"type": "host", "host_path": str(tmp_path / "out")}}
    with pytest.raises(Failure, match="does not list it"):
        storage.named("mine", configuration)

    settings.ALLOWED_MOUNTS = [f"{tmp_path}/out:rw"]

    assert storage.named("mine", configuration).path("x") == str(tmp_path / "out" / "x")
    own = storage.named("workspace_1", {"broker": {"type": "host", "host_path": ""}})
    assert own.path("x").endswith("workspaces/workspace_1/x")
    with pytest.raises(Failure, match="s3"):
        storage.named("far", {"broker": {"type": "s3", "bucket_name": "b"}})


def _manifest(**outputs_: object) -> dict[str, object]:
    return {"job": {"interface": {"outputs": outputs_}}}


def test_patterns_do_not_recurse_and_leave_descriptions_out(tmp_path: Path):
    descriptions = ("a.txt.metadata.json", "seed.outputs.json", "results_manifest.json")
    for name in ("a.txt", "sub/b.txt", "sub/c/d.txt", *descriptions):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")

    def found(pattern: str) -> list[str]:
        entry = {"name": "O", "pattern": pattern, "multiple": True, "required": False}
        return [one.path for one in outputs.find(_manifest(files=[entry]), tmp_path)]

    assert found("*") == ["a.txt"]
    assert found("*/*.txt") == ["sub/b.txt"]
    assert found("**/*.txt") == ["sub/b.txt"]
    assert found("[ab].txt") == ["a.txt"]
    assert found("sub/../a.txt") == found("/etc/passwd") == found(f"../{tmp_path.name}/*") == []


def test_an_output_opens_only_where_it_is(tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "secret").write_text("secret")
    os.symlink("../secret", tmp_path / "out" / "link")
    os.mkfifo(tmp_path / "out" / "fifo")

    for name in ("link", "fifo", "../secret", "."):
        with pytest.raises(OSError), outputs.opened(name, tmp_path / "out"):  # noqa: PT011 - whichever it is
            pass


def test_what_is_not_given_is_not_in_the_environment():
    interface = {
        "inputs": {"files": [{"name": "in-file"}], "json": [{"name": "flag"}, {"name": "none"}]},
        "settings": [{"name": "db-host"}, {"name": "pass", "secret": True}, {"name": "unset"}],
    }

    told = variables(
        {"job": {"interface": interface}},
        values={"flag": True, "none": None, "undeclared": 1},
        files={"in-file": "/in/f"},
        settings={"db-host": "h", "pass": "hunter2"},
        resources={"cpus": 1.5, "mem": 244, "sharedmem": 0, "chocolate": 2},
        output_dir="/out",
        input_metadata="/meta",
        identity={"JOB_NAME": "j", "FLAG": "not this"},
    )

    assert told.environment == {
        "IN_FILE": "/in/f",
        "FLAG": "true",
        "DB_HOST": "h",
        "PASS": "hunter2",
        "JOB_NAME": "j",
        "OUTPUT_DIR": "/out",
        "INPUT_METADATA": "/meta",
        "ALLOCATED_CPUS": "1.5",
        "ALLOCATED_MEM": "244.0",
        "ALLOCATED_DISK": "0.0",
        "ALLOCATED_GPUS": "0.0",
        "ALLOCATED_CHOCOLATE": "2.0",
    }
    assert "hunter2" not in told.fillable.values()
    assert {"NONE", "UNSET", "unset"} <= told.declared
    assert "PASS" not in told.declared
