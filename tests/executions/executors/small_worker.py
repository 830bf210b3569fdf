"""A worker to be killed by tests: runs one command in one runner and prints the numbers of its processes.

    python -m tests.executions.executors.small_worker RENEWAL COMMAND MARK

With a RENEWAL (seconds) runs end when they hear nothing for so long; the worker renews four times as often.
"""

import signal
import sys
import threading
import time

from executions.executors.base import Limits
from executions.executors.process.client import Processes
from tests.executions.executors.family_watch import Watched


def main() -> None:
    renewal, command, mark = float(sys.argv[1]), sys.argv[2], sys.argv[3]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it
    with Processes(django=False, renewal=renewal, grace=0.5) as processes:
        watched = Watched(processes.runner(), mark)
        watched.sh("true")

        def renew() -> None:
            while True:
                processes.renewed()
                time.sleep(renewal / 4)

        threading.Thread(target=renew, daemon=True).start()
        print(processes.pid, watched.runner.pid, flush=True)
        result = watched.sh(command, limits=Limits(seconds=60))
        print(result.ended_by, flush=True)


if __name__ == "__main__":
    main()
