"""The count processor: keeps the number of lines and the last of them, for outputs that nobody reads whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from executions.processors.base import Ended, Processor


class CountProcessor(Processor):
    name: ClassVar[str] = "count"
    title: ClassVar[str] = "Count of lines"

    def process(self, ended: Ended, options: Mapping[str, str]) -> str:
        lines = ended.output.splitlines()
        last = lines[-1] if lines else "none"
        return f"{len(lines)} {options.get('word', 'lines')}, the last one: {last}"
