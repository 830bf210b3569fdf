"""Functions that tests have called in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress


def add(left, right):
    print("adding")
    print("carefully", file=sys.stderr)
    return {"sum": left + right}


def fail(text):
    raise ValueError(text)


def leave(code):
    sys.exit(code)


def vanish():
    os._exit(0)


def crash():
    os.kill(os.getpid(), signal.SIGSEGV)


def sleep(seconds):
    time.sleep(seconds)


def ignore_term_and_sleep(seconds):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ignoring")
    time.sleep(seconds)


def environment():
    return dict(os.environ)


def descriptors():
    """What is open beside the pipes for input, output and the answer."""
    places = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the one that the list itself was read by
            if int(name) > 2:
                places.append(os.readlink(f"/proc/self/fd/{name}"))
    return places


def leave_a_child_behind(env):
    subprocess.Popen(["sleep", "300"], start_new_session=True, env=env)


def return_what_json_cannot_hold():
    return object()


def return_too_much():
    return "x" * 2_000_000


def kill_the_runner():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(300)
