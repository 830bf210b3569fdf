"""`manage.py check_invariants`: does everything hold that must?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db import connection

from executions import clock, invariants
from executions.invariants import Finding
from executions.management.base import HouseCommand


class Command(HouseCommand):
    help = "Ask the database whether the house's rules hold; leave with 1 when one is broken. Changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--nothing-pruned", action="store_true", help="no history was ever deleted: counters must be exact"
        )

    def answer(self, **options: Any) -> int:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = '5min'")  # a large history takes longer than a request may
        now = clock.now()
        findings = invariants.check(now, is_pruned=not options["nothing_pruned"])
        broken = [finding for finding in findings if finding.violations]
        if options["json"]:
            self.show_json({"checked": now, "holds": not broken, "rules": [_as_json(finding) for finding in findings]})
        else:
            self._show(findings, broken)
        return 1 if broken else 0

    def _show(self, findings: list[Finding], broken: list[Finding]) -> None:
        for finding in broken:
            self.say(self.style.ERROR(f"Broken: {finding.rule.says}"))
            for violation in finding.violations:
                self.say(f"  {violation}")
            if len(finding.violations) == invariants.SHOWN:
                self.say("  There may be more.")
        held = len(findings) - len(broken)
        self.say(f"{held} of {len(findings)} rules hold." if broken else f"All {held} rules hold.")


def _as_json(finding: Finding) -> dict[str, Any]:
    return {"number": finding.rule.number, "rule": finding.rule.says, "violations": finding.violations}
