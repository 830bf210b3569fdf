"""Families of processes: how they run, what they may use, how they end."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time

import pytest

from executions.executors.base import Limits
from executions.executors.process.client import Processes, Stop
from tests.executions.executors.family_watch import Watched, lives, until

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def processes():
    with Processes(["tests.executions.executors.jobs_to_call"], django=False, grace=0.5) as running:
        running.start()
        yield running


@pytest.fixture(scope="module")
def slot(processes):
    with processes.runner() as runner:
        yield runner


@pytest.fixture
def job(slot):
    return Watched(slot)


# --- commands ---------------------------------------------------------------------------------------------------------


def test_a_command_ends_with_its_exit_status_and_its_bill(job):
    result = job.sh("exit 3")

    assert (result.ended_by, result.exit_code, result.signal, result.message) == ("exit", 3, None, "")
    assert 0 < result.cpu_seconds < 1


def test_a_command_that_a_signal_ends_has_no_exit_status(job):
    result = job.sh("kill -SEGV $$")

    assert (result.ended_by, result.exit_code, result.signal) == ("exit", None, signal.SIGSEGV)


def test_stdout_and_stderr_stay_apart(job):
    job.sh("echo out; echo err >&2")

    assert (job.said("stdout"), job.said("stderr")) == (b"out\n", b"err\n")


def test_any_bytes_come_through_unchanged(job):
    job.sh(r"printf 'a\000b\377\376c\033[31m\n'")

    assert job.said() == b"a\0b\xff\xfec\x1b[31m\n"


def test_output_shows_while_the_command_runs(job):
    began = time.time()

    job.sh("printf one; sleep 0.5; printf two; sleep 0.5")

    assert [data for _, data, _, _ in job.chunks] == [b"one", b"two"]
    assert job.chunks[0][2] - began < 0.3
    assert 0.3 < job.chunks[1][2] - job.chunks[0][2] < 0.8


def test_the_environment_is_what_was_given_and_a_private_home(job):
    job.sh("/usr/bin/env; pwd; ls -ld .", env={"PATH": "/usr/bin:/bin", "GREETING": "hello"})

    *variables, folder, listing = job.said().decode().splitlines()
    assert sorted(line.partition("=")[0] for line in variables if not line.startswith(("_=", "PWD="))) == [
        "GREETING",
        "HOME",
        "PATH",
    ]
    assert f"HOME={folder}" in variables
    assert listing.startswith("drwx------")


def test_the_private_folder_is_gone_afterwards_whatever_is_in_it(job):
    job.sh("pwd; mkdir -p a/b; touch a/b/c; chmod 0500 a/b; chmod 0 a")

    assert not os.path.exists(job.said().decode().strip())


def test_standard_input_arrives_whole_and_ends(job):
    job.spawn("/usr/bin/sha256sum", stdin=b"x" * 300_000)
    job.spawn("/bin/cat")

    assert job.said().decode() == f"{hashlib.sha256(b'x' * 300_000).hexdigest()}  -\n"


def test_a_command_runs_where_it_is_told_to(job, tmp_path):
    job.sh("pwd", cwd=str(tmp_path))

    assert job.said().decode().strip() == str(tmp_path)


@pytest.mark.parametrize(
    ("argv", "options", "message"),
    [
        (["no-such-program"], {}, "No such program: no-such-program"),
        (["/etc/passwd"], {}, "No right to run this program: /etc/passwd"),
        (["true"], {"cwd": "/nowhere"}, "No such working folder, or no right to it: /nowhere"),
        (["echo", "a\0b"], {}, "The command or its environment contains a NUL character"),
        (["echo", "x" * 4_000_000], {}, "The command and its environment are too long together"),
    ],
)
def test_what_cannot_start_says_why(job, argv, options, message):
    result = job.spawn(*argv, **options)

    assert (result.ended_by, result.message, result.exit_code) == ("launch", message, None)


def test_a_script_without_its_interpreter_says_so(job, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o700)

    assert job.spawn(str(script)).message == f"The interpreter of this program is missing: {script}"


def test_signals_have_their_usual_meaning_in_a_command(job):
    job.sh("grep -E 'Sig(Ign|Blk)' /proc/self/status")

    of_the_c_library = 0b11 << 31  # signals 32 and 33, which no program may change
    masks = [int(line.split()[1], 16) & ~of_the_c_library for line in job.said().decode().splitlines()]
    assert masks == [0, 0]


def test_a_command_cannot_look_into_the_process_that_runs_it(job):
    look = "cat /proc/$PPID/environ"  # which has the keys of the house

    job.sh(look if os.getuid() else f"exec setpriv --bounding-set=-all --inh-caps=-all sh -c '{look}'")

    assert job.said("stdout") == b""
    assert b"Permission denied" in job.said("stderr")


def test_a_private_folder_is_made_even_if_all_temporary_folders_were_removed(job):
    job.sh("pwd")
    os.rmdir(os.path.dirname(job.said().decode().strip()))

    assert job.sh("touch x").exit_code == 0


# --- the end of a family ----------------------------------------------------------------------------------------------

AWAY = {
    "in the background": "sleep 300 &",
    "in a session of its own": "setsid sleep 300 &",
    "forked twice": "( setsid sh -c 'sleep 300 & exec sleep 300' & ) &",
    "deaf to SIGTERM": "sh -c 'trap \"\" TERM HUP INT; while :; do sleep 300; done' &",
    "stopped": "sh -c 'kill -STOP $$' &",
}


@pytest.mark.parametrize("how", AWAY)
def test_what_a_command_left_behind_is_gone_with_it(job, how):
    began = time.monotonic()

    result = job.sh(f"{AWAY[how]} sleep 0.1; echo done")

    assert (result.ended_by, result.exit_code) == ("exit", 0)
    assert job.said() == b"done\n"
    assert job.family() == []
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("how", AWAY)
def test_a_time_limit_ends_the_whole_family(job, how):
    began = time.monotonic()

    result = job.sh(f"trap '' TERM; echo before; {AWAY[how]} while :; do sleep 1; done", limits=Limits(seconds=0.3))

    assert (result.ended_by, result.message) == ("timeout", "Ran longer than its time limit of 0.3 s")
    assert job.said() == b"before\n"
    assert job.family() == []
    assert 0.3 < time.monotonic() - began < 3


def test_a_family_that_heeds_sigterm_is_not_killed(job):
    result = job.sh("trap 'echo tidied; exit 7' TERM; sleep 300 & wait", limits=Limits(seconds=0.2))

    assert (result.ended_by, result.exit_code, job.said()) == ("timeout", 7, b"tidied\n")


def test_sigterm_reaches_other_sessions_too_and_is_sent_once(job):
    script = "trap 'echo asked; sleep 0.2; exit' TERM; while :; do sleep 0.05; done"

    job.sh(f'setsid sh -c "{script}" & {script}', limits=Limits(seconds=0.3))

    assert job.said() == b"asked\nasked\n"


def test_a_fork_bomb_ends_with_its_family(job):
    bomb = "b() { (b) & (b) & sleep 300; }; b"

    result = job.sh(bomb, limits=Limits(processes=30))

    assert (result.ended_by, result.signal) == ("exit", signal.SIGKILL)
    assert result.message == "Killed: more than its limit of 30 processes (16 threads each)"
    assert job.family() == []


def test_a_memory_bomb_ends_by_its_limit(job):
    script = "import time; x = bytearray(200 * 2**20); time.sleep(300)"

    result = job.spawn("python3", "-c", script, limits=Limits(memory=64 * MIB))

    assert result.ended_by == "memory"
    assert result.message.endswith("more than its limit of 64 MiB")
    assert result.max_rss_bytes > 64 * MIB


def test_a_family_shares_one_memory_limit(job):
    one = "python3 -c 'import time; x = bytearray(40 * 2**20); time.sleep(300)'"

    assert job.sh(f"{one} & {one} & {one} & wait", limits=Limits(memory=96 * MIB)).ended_by == "memory"


def test_open_files_are_limited(job):
    job.sh("ulimit -n; sleep 0.1; ulimit -Hn", limits=Limits(open_files=100))
    job.sh("ulimit -n", limits=Limits(open_files=150))

    assert job.said() == b"100\n100\n150\n"


# --- stopping ---------------------------------------------------------------------------------------------------------


def test_a_stop_request_ends_the_family(job):
    stop = Stop()
    threading.Timer(0.3, stop.request, ["user"]).start()
    began = time.monotonic()

    result = job.sh("sleep 300 & sleep 300", stop=stop)

    assert (result.ended_by, result.message, job.family()) == ("stop", "user", [])
    assert time.monotonic() - began < 2


def test_a_stop_request_before_the_start_prevents_it(job, tmp_path):
    stop = Stop()
    stop.request("first")
    stop.request("second")

    result = job.sh(f"touch {tmp_path}/started", stop=stop)

    assert (result.ended_by, result.message) == ("stop", "first")
    assert not (tmp_path / "started").exists()


def test_a_stop_request_is_never_lost_in_a_race_with_the_start(job):
    for delay in (0, 0.0002, 0.0005, 0.001, 0.002, 0.004):
        stop = Stop()
        timer = threading.Timer(delay, stop.request)
        timer.start()

        assert job.sh("exec sleep 300", stop=stop, limits=Limits(seconds=20)).ended_by == "stop"


def test_a_stop_request_for_a_run_that_has_ended_does_not_touch_the_next(job):
    for _ in range(20):
        stop = Stop()
        timer = threading.Timer(0.001, stop.request)
        timer.start()
        job.sh("true", stop=stop)
        timer.join()

        assert job.sh("exit 4").exit_code == 4


# --- much output ------------------------------------------------------------------------------------------------------


def test_50_mb_cost_bounded_memory_and_keep_both_ends(job):
    line = b"0123456789abcde\n"

    job.sh("echo first; yes 0123456789abcde | head -c 50000000; echo last")

    size = sum(len(data) for _, data, _, _ in job.chunks)
    lost = sum(lost for _, _, _, lost in job.chunks)
    assert size + lost == 50_000_000 + 11
    assert lost > 0
    assert job.said()[: 256 * 1024] == (b"first\n" + line * 20_000)[: 256 * 1024]
    assert job.said().endswith(b"last\n")
    assert len(job.said()) >= MIB
    assert peak_memory(job.runner.pid) < 60 * MIB


def peak_memory(pid: int) -> int:
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def test_a_consumer_that_is_slow_does_not_hold_the_command_up(job):
    job.keep = lambda *chunk: (job.chunks.append(chunk), time.sleep(0.1))
    began = time.time()

    job.sh("head -c 20000000 /dev/zero; date +%s.%N >&2")

    assert float(job.said("stderr")) - began < 2
    assert time.time() - began > 1
    assert sum(len(data) + lost for name, data, _, lost in job.chunks if name == "stdout") == 20_000_000


def test_a_consumer_that_raises_ends_the_run_and_is_heard(job):
    def refuse(*_):
        raise RuntimeError("disk full")

    job.keep = refuse
    with pytest.raises(RuntimeError, match="disk full"):
        job.sh("echo x; sleep 300")

    assert job.family() == []
    assert Watched(job.runner).sh("exit 5").exit_code == 5


# --- many runs --------------------------------------------------------------------------------------------------------


def test_many_runs_reuse_one_process_and_leak_no_descriptors(job):
    job.sh("true")
    runner, ours, theirs = job.runner.pid, descriptors(os.getpid()), descriptors(job.runner.pid)

    for number in range(100):
        assert job.sh(f"exit {number}", stdin=b"x").exit_code == number
        job.spawn("no-such-program")
    for _ in range(20):
        job.call("add", left=1, right=1)

    assert job.runner.pid == runner
    assert (descriptors(os.getpid()), descriptors(runner)) == (ours, theirs)


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_slots_run_side_by_side(processes):
    jobs = [Watched(processes.runner()) for _ in range(4)]
    threads = [threading.Thread(target=job.sh, args=["sleep 0.5; echo done"]) for job in jobs]
    began = time.monotonic()

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert [job.said() for job in jobs] == [b"done\n"] * 4
    assert time.monotonic() - began < 1.5
    pids = [job.runner.pid for job in jobs]
    for job in jobs:
        job.runner.close()
    assert until(lambda: not any(map(lives, pids)))
