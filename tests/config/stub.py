"""A part of a house for tests: ``stub WORD…`` does what its words say, in their order.

say TEXT        print a line
note FILE       add this process's number to FILE
child FILE      start a process in a session of its own that sleeps, and add its number to FILE
flood COUNT     print so many lines
linger SECONDS  on SIGTERM, say so, and leave only after a while
deaf            ignore SIGTERM and SIGQUIT
fail CODE       leave
wait            sleep until a signal comes
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def note(path: str, number: int) -> None:
    with Path(path).open("a") as file:
        file.write(f"{number}\n")


def linger(seconds: float) -> None:
    def leave(*_: object) -> None:
        print("going", flush=True)
        time.sleep(seconds)
        print("gone", flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)


def main(words: list[str]) -> None:
    rest = iter(words)
    for word in rest:
        match word:
            case "say":
                print(next(rest), flush=True)
            case "note":
                note(next(rest), os.getpid())
            case "child":
                note(next(rest), subprocess.Popen(["sleep", "600"], start_new_session=True).pid)
            case "linger":
                linger(float(next(rest)))
            case "deaf":
                for number in (signal.SIGTERM, signal.SIGQUIT):
                    signal.signal(number, signal.SIG_IGN)
            case "fail":
                sys.exit(int(next(rest)))
            case "wait":
                while True:
                    time.sleep(600)


if __name__ == "__main__":
    main(sys.argv[1:])
