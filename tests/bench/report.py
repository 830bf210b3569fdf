"""What came of a bench: rows with a figure, its peer's and the ratio; for the terminal and for docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
PACKAGES = ("django", "celery", "django-celery-beat", "django-celery-results", "psycopg")


@dataclass(frozen=True)
class Row:
    """One figure. `ours` and `theirs` are written with their units; `goal` is a ratio or a bound, `met` whether it is
    reached.
    """

    what: str
    ours: str
    theirs: str
    ratio: str
    goal: str = ""
    met: bool | None = None


@dataclass
class Report:
    """A bench's table. `notes` say how it was measured."""

    name: str
    title: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    command: str = ""
    took: float = 0.0

    def markdown(self) -> str:
        lines = [
            f"## {self.title}",
            "",
            "| what | Jobhouse | beside it | ratio | goal | reached |",
            "| --- | --- | --- | --- | --- | --- |",
            *(
                f"| {row.what} | {row.ours} | {row.theirs} | {row.ratio} | {row.goal} | {_said(row.met)} |"
                for row in self.rows
            ),
            "",
            *self.notes,
            "",
            f"`{self.command}`, {self.took:.0f} s, {machine()}",
        ]
        return "\n".join(lines)

    def text(self) -> str:
        table = [("", "Jobhouse", "beside it", "ratio", "goal", "")]
        table += [(row.what, row.ours, row.theirs, row.ratio, row.goal, _said(row.met)) for row in self.rows]
        widths = [max(len(line[column]) for line in table) for column in range(6)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table
        ]
        return "\n".join([f"=== {self.title} ({self.took:.0f} s)", *lines])


def _said(met: bool | None) -> str:
    return {True: "yes", False: "**no**", None: ""}[met]


def machine() -> str:
    """The date, the machine and the versions that a figure belongs to."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores (load {os.getloadavg()[1]:.1f} at the end), {platform.system()}, "
        f"Python {platform.python_version()}, {packages}"
    )


def write(reports: Sequence[Report]) -> None:
    """Put each report in its place in docs/benchmarks.md, between the comments that bear its name."""
    page = PAGE.read_text() if PAGE.exists() else "# Benchmarks\n"
    for report in reports:
        begin, end = f"<!-- {report.name} -->", f"<!-- end of {report.name} -->"
        section = f"{begin}\n{report.markdown()}\n{end}"
        if begin in page:
            page = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _, new=section: new, page, flags=re.DOTALL)
        else:
            page = f"{page.rstrip()}\n\n{section}\n"
    PAGE.write_text(page)
