"""The `log` processor: the output goes to the worker's own standard output, that of a failure to its standard error.

It stands between marker lines with job and execution. Escape codes and other control characters are left out, so that
an output cannot move the cursor of whoever reads the log.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import ClassVar

from executions.processors.base import Ended, Processor

STORED = "Output in dkron log"
"""As Dkron's clients know it."""
_ESCAPES = re.compile(
    r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\^_])?|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


class LogProcessor(Processor):
    name: ClassVar[str] = "log"
    title: ClassVar[str] = "Worker's log"

    def process(self, ended: Ended, options: Mapping[str, str]) -> str:
        stream = sys.stdout if ended.ok else sys.stderr
        place = f"job {ended.job}, execution {ended.execution}"
        said = _ESCAPES.sub("", ended.output)
        end = "" if said.endswith("\n") or not said else "\n"
        stream.write(f"--- BEGIN OUTPUT of {place}\n{said}{end}--- END OUTPUT of {place}\n")
        stream.flush()
        return STORED
