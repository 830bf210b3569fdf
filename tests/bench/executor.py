"""An executor that only returns: what is left is what the house itself costs."""

from __future__ import annotations

from typing import ClassVar

from executions.executors.base import Context, Executor, Outcome, WorkOrder

DISTRIBUTION = {
    "METADATA": "Metadata-Version: 2.1\nName: jobhouse-bench\nVersion: 0\n",
    "entry_points.txt": "[jobhouse.executors]\nnoop = tests.bench.executor:NoopExecutor\n",
}
"""What makes it an installed package in the eyes of Python: files of a `jobhouse_bench-0.dist-info` folder on its path.
"""


class NoopExecutor(Executor):
    name: ClassVar[str] = "noop"
    title: ClassVar[str] = "Nothing"
    description: ClassVar[str] = "Returns at once."

    def run(self, order: WorkOrder, context: Context) -> Outcome:
        return Outcome(ok=True)
