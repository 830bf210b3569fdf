"""Seed images in real containers, through the executor and a real runner."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.executions.containers.slot import RESOURCES, Slot, a_seed_manifest

pytestmark = [pytest.mark.containers, pytest.mark.slow]


# --- In and out -------------------------------------------------------------------------------------------------------
def test_a_file_goes_in_and_json_comes_out(slot: Slot, folders: Path):
    (folders / "in" / "a text.txt").write_text("one two\nthree\n")
    manifest = a_seed_manifest(
        inputs={"files": [{"name": "TEXT"}]},
        outputs={"json": [{"name": "lines", "type": "integer"}, {"name": "w", "key": "words", "type": "integer"}]},
    )
    script = """
        set -- $(wc <"$TEXT")
        echo "{\\"lines\\": $1, \\"words\\": $2, \\"more\\": 1}" >"$OUTPUT_DIR/seed.outputs.json"
        cat "$TEXT"; echo "to the other stream" >&2
    """

    outcome = slot.run(script, manifest=manifest, files={"TEXT": [str(folders / "in" / "a text.txt")]})

    assert outcome.ok, outcome
    assert outcome.outputs == {"json": {"lines": 2, "w": 3}, "files": {}}
    assert (slot.out, slot.err) == ("one two\nthree\n", "to the other stream\n")
    assert outcome.exit_code == 0


def test_the_container_finds_seeds_variables_and_is_told_its_allocation(slot: Slot):
    manifest = a_seed_manifest(
        inputs={"json": [{"name": "how-many", "type": "integer"}, {"name": "LIST", "type": "array"}]},
        settings=[{"name": "db-host"}],
    )

    slot.run("env", manifest=manifest, values={"how-many": 3, "LIST": [True, "a b"]}, settings={"db-host": "x"})

    told = dict(line.split("=", 1) for line in slot.out.splitlines())
    assert told["HOW_MANY"] == "3"
    assert told["LIST"] == '[true, "a b"]'
    assert told["DB_HOST"] == "x"
    assert told["OUTPUT_DIR"] == "/scale/output_data"
    assert (told["ALLOCATED_CPUS"], told["ALLOCATED_MEM"], told["ALLOCATED_GPUS"]) == ("0.5", "128.0", "0.0")
    assert told["SCALE_EXE_NUM"] == "1"
    assert told["JOB_NAME"] == "a-job"
    assert not {"DATABASE_URL", "SECRET_KEY", "DOCKER_HOST"} & told.keys()


def test_a_value_is_one_word_whatever_it_holds(slot: Slot):
    nasty = "a  b\n'$(id)' \"; rm -rf / #é🙂"
    manifest = a_seed_manifest(
        "printf %s| ${X/#/--x=} ${GONE/#/-g } end",
        inputs={"json": [{"name": "X", "type": "string"}, {"name": "GONE", "type": "string", "required": False}]},
    )

    slot.run(manifest=manifest, values={"X": nasty})

    assert slot.out == f"--x={nasty}|end|"


def test_several_files_of_one_name_lie_in_one_folder(slot: Slot, folders: Path):
    for name in ("one", "two"):
        (folders / "in" / name).mkdir()
        (folders / "in" / name / "same.txt").write_text(name)
    manifest = a_seed_manifest(inputs={"files": [{"name": "ALL", "multiple": True}]})
    files = [str(folders / "in" / name / "same.txt") for name in ("one", "two")]

    script = 'ls $ALL; cat $ALL/*; touch $ALL/new 2>/dev/null || echo " read-only"'
    slot.run(script, manifest=manifest, files={"ALL": files})

    assert slot.out == "2.same.txt\nsame.txt\ntwoone read-only\n"


def once_it_runs(slot: Slot, deed: Callable[[], object]) -> None:
    """Do something as soon as the container that `slot` is about to run has printed ``runs``."""

    def wait() -> None:
        give_up = time.monotonic() + 30
        while b"runs" not in slot.written.get("stdout", b"") and time.monotonic() < give_up:
            time.sleep(0.1)
        deed()

    threading.Thread(target=wait, daemon=True).start()


# --- Endings ----------------------------------------------------------------------------------------------------------
def test_exit_codes_become_the_errors_that_the_manifest_declares(slot: Slot):
    manifest = a_seed_manifest(errors=[{"code": 3, "name": "bad-input", "category": "data"}])

    declared = slot.run("exit 3", manifest=manifest)
    other = slot.run("exit 4", manifest=manifest)

    assert (declared.ok, declared.error, declared.exit_code) == (False, "bad-input", 3)
    assert (other.ok, other.error, other.exit_code) == (False, "algorithm-unknown", 4)


def test_who_takes_more_memory_than_allocated_is_killed(slot: Slot):
    outcome = slot.run("exec dd if=/dev/zero of=/dev/null bs=400M count=3", resources={**RESOURCES, "mem": 64.0})

    assert (outcome.ok, outcome.error) == (False, "out-of-memory")
    assert "64 MiB" in outcome.message


def test_who_runs_too_long_is_stopped_and_what_it_printed_is_kept(slot: Slot, ours):
    begun = time.monotonic()

    outcome = slot.run("echo begun; trap 'echo asked; exit 0' TERM; sleep 60 & wait", seconds=1)

    assert (outcome.error, outcome.reason) == ("timeout", "timeout")
    assert slot.out == "begun\nasked\n"
    assert time.monotonic() - begun < 8
    assert ours() == []


def test_a_cancel_asks_first_and_removes_the_container(slot: Slot, ours):
    once_it_runs(slot, lambda: slot.stop.request("user"))

    outcome = slot.run("trap 'echo asked; exit 0' TERM; echo runs; sleep 60 & wait")

    assert (outcome.ok, outcome.stopped) == (False, True)
    assert slot.out == "runs\nasked\n"
    assert ours() == []


def test_a_cancel_ends_a_container_that_heeds_no_signal(slot: Slot, ours):
    asked: list[float] = []
    once_it_runs(slot, lambda: (asked.append(time.monotonic()), slot.stop.request("user")))

    outcome = slot.run("trap '' TERM; echo runs; while true; do sleep 1; done")

    assert outcome.stopped
    assert time.monotonic() - asked[0] < 3 + 10  # the grace of these tests is 3 s
    assert ours() == []


def test_a_killed_runner_leaves_no_container(slot: Slot, ours):
    once_it_runs(slot, lambda: os.kill(slot.runner.pid or 0, 9))

    outcome = slot.run("echo runs; sleep 60")

    assert (outcome.error, outcome.reason) == ("worker-lost", "worker-lost")
    assert ours() == []


def test_an_image_that_is_not_there_is_a_failed_pull(slot: Slot):
    for image in ("no-such-image:1", "../containers/json", "a b", ""):
        assert slot.run(image=image).error == "pull"


def test_a_program_that_is_not_in_the_image_did_not_launch(slot: Slot):
    outcome = slot.run(manifest=a_seed_manifest("no-such-program"))

    assert outcome.error == "docker-task-launch"


# --- Confinement ------------------------------------------------------------------------------------------------------
def test_a_container_has_few_rights_and_no_network(slot: Slot):
    slot.run(
        "grep -E 'CapEff|NoNewPrivs' /proc/self/status; ls /sys/class/net; ulimit -n; ls / | tr '\\n' ' ';"
        "ls /var/run/docker.sock /run 2>&1"
    )

    assert "NoNewPrivs:\t1" in slot.out
    assert int(slot.out.split("CapEff:")[1].split()[0], 16) == 0b11111011  # CAPABILITIES, and nothing else
    assert "\nlo\n1024\n" in slot.out
    assert "docker.sock: No such file" in slot.out


def test_more_processes_than_allowed_are_not_started(slot: Slot):
    outcome = slot.run("for i in $(seq 40); do sleep 5 & done; echo all", processes=16, seconds=20)

    assert "all" not in slot.out
    assert not outcome.ok


def test_secrets_are_in_the_environment_and_on_no_command_line(slot: Slot, ours):
    manifest = a_seed_manifest(
        "sh -c ${SCRIPT} $DB-PASS ${DB_PASS} ${db-pass}", settings=[{"name": "db-pass", "secret": True}]
    )
    seen = {}

    def look() -> None:
        import docker

        api = docker.from_env(version="auto").api
        seen.update(api.inspect_container(ours()[0]["Id"]))
        api.close()

    once_it_runs(slot, look)
    script = 'echo "$DB_PASS"; echo "$0 $1 $2"; echo runs; sleep 5'
    slot.run(script, manifest=manifest, settings={"db-pass": "hunter2hunter2"})

    assert slot.out.splitlines()[0] == "hunter2hunter2"
    assert "hunter2hunter2" not in slot.out.splitlines()[1]
    assert "hunter2hunter2" not in str(seen["Args"]) + str(seen["Config"]["Cmd"]) + str(seen["Config"]["Labels"])
    processes = "".join(path.read_text() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    assert "hunter2hunter2" not in processes


def test_mounts_are_read_only_unless_asked_for_and_listed_otherwise(slot: Slot, folders: Path):
    (folders / "ro" / "data").write_text("here")
    manifest = a_seed_manifest(
        mounts=[{"name": "DATA", "path": "/data"}, {"name": "WORK", "path": "/work", "mode": "rw"}]
    )
    host = {"DATA": folders / "ro", "WORK": folders / "rw"}
    mounts = {name: {"type": "host", "host_path": str(path)} for name, path in host.items()}

    outcome = slot.run("cat /data/data >/work/copy; touch /data/x || echo refused", manifest=manifest, mounts=mounts)

    assert outcome.ok, slot.err
    assert slot.out == "refused\n"
    assert (folders / "rw" / "copy").read_text() == "here"


def test_no_other_folder_is_mounted(slot: Slot, folders: Path):
    (folders / "ro" / "link").symlink_to("/etc")
    manifest = a_seed_manifest(mounts=[{"name": "M", "path": "/m", "mode": "ro"}])
    writing = a_seed_manifest(mounts=[{"name": "M", "path": "/m", "mode": "rw"}])

    def error(path: object, wanted: dict[str, Any] = manifest) -> str | None:
        return slot.run(manifest=wanted, mounts={"M": {"type": "host", "host_path": str(path)}}).error

    assert error(folders / "elsewhere") == "missing-mount"
    assert error(folders / "ro" / "link") == "missing-mount"
    assert error(folders / "ro" / ".." / "elsewhere") == "missing-mount"
    assert error("/var/run") == error("/") == "missing-mount"
    assert error(folders / "ro", writing) == "missing-mount"
    assert slot.run(manifest=manifest).error == "missing-mount"
    local = {"type": "volume", "driver": "local", "driver_opts": {"type": "none", "o": "bind", "device": "/etc"}}
    assert slot.run(manifest=manifest, mounts={"M": local}).error == "missing-mount"


def test_a_volume_is_fresh_and_gone_afterwards(slot: Slot):
    manifest = a_seed_manifest(mounts=[{"name": "M", "path": "/m", "mode": "rw"}])
    mounts = {"M": {"type": "volume", "driver": "", "driver_opts": {}}}

    first = slot.run("ls -A /m; echo x >/m/x", manifest=manifest, mounts=mounts)
    second = slot.run("ls -A /m", manifest=manifest, mounts=mounts)

    import docker

    api = docker.from_env(version="auto").api
    assert (first.ok, second.ok) == (True, True)
    assert slot.out == ""
    assert [one for one in api.volumes()["Volumes"] or [] if one["Name"].startswith("jobhouse_")] == []
    api.close()


# --- Input files ------------------------------------------------------------------------------------------------------
def test_input_files_come_from_the_listed_folders_only(slot: Slot, folders: Path):
    (folders / "elsewhere" / "secret").write_text("secret")
    (folders / "in" / "out").symlink_to(folders / "elsewhere" / "secret")
    os.mkfifo(folders / "in" / "fifo")
    manifest = a_seed_manifest(inputs={"files": [{"name": "F"}]})

    for path in ("elsewhere/secret", "in/out", "in/../elsewhere/secret", "in/fifo", "in/none", "in"):
        assert slot.run(manifest=manifest, files={"F": [str(folders / path)]}).error == "missing-file", path
    assert slot.run(manifest=manifest, files={"F": ["http://127.0.0.1:1/x"]}).error == "missing-file"
    assert slot.run(manifest=manifest, files={"F": ["relative"]}).error == "missing-file"
    assert slot.run(manifest=manifest, files={"F": [{"path": 3}]}).error == "invalid-input"
    assert slot.run(manifest=manifest, files={"F": [77]}).error == "deleted-file"


# --- Output files -----------------------------------------------------------------------------------------------------
OUT = {"name": "OUT", "pattern": "*.txt", "mediaType": "text/plain"}


def test_output_files_are_found_by_their_patterns_and_kept(slot: Slot, kept):
    manifest = a_seed_manifest(
        outputs={"files": [OUT, {"name": "MANY", "pattern": "sub/*", "multiple": True, "required": False}]}
    )

    outcome = slot.run(
        "cd $OUTPUT_DIR; echo hello >a.txt; mkdir -p sub/deep; echo 1 >sub/1; echo 2 >sub/2; echo 3 >sub/deep/x.txt;"
        """echo '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}' >a.txt.metadata.json""",
        manifest=manifest,
    )

    assert outcome.ok, (outcome, slot.err)
    (one,) = outcome.outputs["files"]["OUT"]
    assert (one["path"], one["bytes"], one["media_type"]) == ("a.txt", 6, "text/plain")
    assert kept(one) == b"hello\n"
    assert one["metadata"]["geometry"]["coordinates"] == [1, 2]
    assert [file["path"] for file in outcome.outputs["files"]["MANY"]] == ["sub/1", "sub/2"]
    assert outcome.outputs["files"]["MANY"][0]["media_type"] == "application/octet-stream"


def test_a_run_may_describe_its_input_files(slot: Slot, folders: Path):
    (folders / "in" / "image.png").write_text("no image")
    manifest = a_seed_manifest(
        inputs={"files": [{"name": "SCENE", "mediaTypes": ["image/tiff"]}, {"name": "ALL", "multiple": True}]}
    )
    file = str(folders / "in" / "image.png")

    outcome = slot.run(
        """cd $OUTPUT_DIR; for name in SCENE ALL OTHER; do
             echo '{"type": "Point", "coordinates": [1, 2]}' >$name.metadata.json; done""",
        manifest=manifest,
        files={"SCENE": [file], "ALL": [file]},
    )

    assert outcome.ok, (outcome, slot.err)
    assert outcome.outputs["metadata"] == {"SCENE": {"type": "Point", "coordinates": [1, 2]}}
    assert "SCENE: 'image.png' is image/png, and image/tiff is expected" in slot.err


def test_what_is_required_must_be_there_and_what_is_single_must_be_one(slot: Slot):
    files = a_seed_manifest(outputs={"files": [OUT]})
    values = a_seed_manifest(outputs={"json": [{"name": "n", "type": "integer"}]})

    assert slot.run(manifest=files).error == "missing-required-output"
    assert slot.run("touch $OUTPUT_DIR/a.txt $OUTPUT_DIR/b.txt", manifest=files).error == "unexpected-multiple-outputs"
    assert slot.run(manifest=values).error == "missing-required-output"
    for wrong in ("{", "[]", '{"n": "1"}', '{"n": true}', '{"n": NaN}', '{"n": 1.5}'):
        outcome = slot.run(f"echo '{wrong}' >$OUTPUT_DIR/seed.outputs.json", manifest=values)
        assert outcome.error == "invalid-results-manifest", wrong


def test_a_link_in_the_output_leads_nowhere_else(slot: Slot, folders: Path, kept):
    manifest = a_seed_manifest(
        outputs={
            "files": [
                {"name": "LINKS", "pattern": "*", "multiple": True, "required": False},
                {"name": "UP", "pattern": "../*", "multiple": True, "required": False},
                {"name": "ROOT", "pattern": "/etc/*", "multiple": True, "required": False},
            ],
            "json": [{"name": "n", "type": "integer", "required": False}],
        }
    )

    outcome = slot.run(
        "cd $OUTPUT_DIR; ln -s /etc/passwd p; ln -s ../../../../../../etc/hostname h; ln -s /etc dir; mkfifo fifo;"
        "ln -s ../input i; echo mine >real; ln -s real same; ln -s /etc/passwd seed.outputs.json; ln -s loop loop",
        manifest=manifest,
    )

    assert outcome.ok, (outcome, slot.err)
    assert {name: [one["path"] for one in files] for name, files in outcome.outputs["files"].items()} == {
        "LINKS": ["real", "same"]
    }
    assert "leads out of OUTPUT_DIR" in slot.err


def test_hostile_names_of_output_files_are_only_data(slot: Slot, kept):
    manifest = a_seed_manifest(outputs={"files": [{"name": "OUT", "pattern": "*", "multiple": True}]})

    outcome = slot.run(
        """cd $OUTPUT_DIR; echo 1 >'a"; rm -rf'; echo 2 >"$(printf 'new\\nline')"; echo 3 >-rf\n"""
        """echo 4 >"$(printf '\\377')" """,
        manifest=manifest,
    )

    assert outcome.ok, (outcome, slot.err)
    files = outcome.outputs["files"]["OUT"]
    assert sorted(one["path"] for one in files) == ["-rf", 'a"; rm -rf', "new\nline", "\ufffd"]
    assert sorted(kept(one) for one in files) == [b"1\n", b"2\n", b"3\n", b"4\n"]


def test_who_writes_more_than_its_disk_is_killed(slot: Slot):
    script = "dd if=/dev/zero of=$OUTPUT_DIR/big bs=1M count=40; sleep 20"

    outcome = slot.run(script, resources={**RESOURCES, "disk": 10.0})

    assert outcome.error == "algorithm-unknown"
    assert "10 MiB of disk" in outcome.message


# --- Without an engine ------------------------------------------------------------------------------------------------
def test_a_named_program_stands_in_for_the_image(slot: Slot, settings):
    settings.SEED_PROGRAMS = {"of-a-test": "/bin/sh"}
    manifest = a_seed_manifest("-c ${SCRIPT}", outputs={"files": [OUT]})

    outcome = slot.run("echo $ALLOCATED_CPUS; echo x >$OUTPUT_DIR/a.txt; pwd", manifest=manifest, image="")

    assert outcome.ok, (outcome, slot.err)
    assert slot.out.startswith("0.5\n")
    assert outcome.outputs["files"]["OUT"][0]["bytes"] == 2
