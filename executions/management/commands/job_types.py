"""`manage.py job_types`: what can run; `validate` and `publish` a Seed manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import CommandError, CommandParser
from django.utils.datastructures import MultiValueDict

from executions import clock
from executions.management.base import HouseCommand
from executions.management.tables import Column, table
from jobtypes import documents, publish
from jobtypes.api.filters import BY_NAME, JobTypeFilters, orderable
from jobtypes.api.serializers import JobTypeSerializer
from jobtypes.models import JobType
from jobtypes.seed import MAX_MANIFEST, Report, check_manifest
from jobtypes.seed.report import Finding


class Command(HouseCommand):
    help = (
        "List job types; `job_types validate FILE` tells everything that is wrong with a Seed manifest, "
        "`job_types publish FILE --image IMAGE` makes a job type of it, or a new revision of one that is known."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--search", metavar="TEXT", help="only those with this in their name or a tag")
        parser.add_argument("--active", action="store_true", help="only those that are active")
        deeds = parser.add_subparsers(dest="deed", metavar="validate|publish")
        for name, summary in (
            (
                "validate",
                "tell everything that is wrong with a manifest, each with its place; exit with 1 if anything is",
            ),
            ("publish", "make a job type of a manifest, or a new revision of it"),
        ):
            deed = deeds.add_parser(name, help=summary)
            deed.add_argument("file", metavar="FILE", help="a Seed manifest in JSON or YAML")
            deed.add_argument("--configuration", metavar="FILE", help="its configuration, in JSON or YAML")
            deed.add_argument("--json", action="store_true", help="print JSON")
            if name == "publish":
                deed.add_argument("--image", required=True, metavar="IMAGE", help="the image that holds its code")
                deed.add_argument("--icon-code", metavar="CODE", help="a font-awesome code")
                deed.add_argument("--max-scheduled", type=int, metavar="N", help="how many may run at once")

    def answer(self, **options: Any) -> int | None:
        match options["deed"]:
            case "validate":
                return self._validate(options)
            case "publish":
                return self._publish(options)
        self._list(options)
        return None

    def _list(self, options: dict[str, Any]) -> None:
        asked = {"keyword": options["search"], "is_active": "true" if options["active"] else ""}
        filters = MultiValueDict({name: [value] for name, value in asked.items() if value})
        rows = list(JobTypeFilters(filters, queryset=orderable(JobType.objects.light()).order_by(*BY_NAME)).qs)
        if options["json"]:
            self.show_json(JobTypeSerializer(rows, many=True).data)
        elif rows:
            columns = [Column("name", may_shrink=True), Column("version"), Column("state"), Column("rev", right=True)]
            columns += [Column("runs as"), Column("title", may_shrink=True)]
            cells = [(row.name, row.version, _state(row), row.revision_num, row.executor, row.title) for row in rows]
            self.say(table(columns, cells, self.width))
        else:
            self.say("No job types.")

    def _validate(self, options: dict[str, Any]) -> int | None:
        report = documents.findings(_read(options["file"]), _configuration(options))
        if options["json"]:
            self.show_json(
                {
                    "is_valid": report.is_valid,
                    "errors": [_as_json(finding) for finding in report.errors],
                    "warnings": [_as_json(finding) for finding in report.warnings],
                }
            )
        else:
            self._tell(report)
        return None if report.is_valid else 1

    def _tell(self, report: Report) -> None:
        for finding in report.errors:
            self.say(f"{self.style.ERROR('error')}   {finding.name}  {finding.description}")
        for finding in report.warnings:
            self.say(f"{self.style.WARNING('warning')} {finding.name}  {finding.description}")
        self.say("Valid." if report.is_valid else f"Not valid: {len(report.errors)} errors.")

    def _publish(self, options: dict[str, Any]) -> int | None:
        manifest, configuration = _read(options["file"]), _configuration(options)
        # Without one the configuration that is stored stays, if any is; the service looks at that.
        report = documents.findings(manifest, configuration) if configuration else check_manifest(manifest)
        if not report.is_valid:
            self._tell(report)
            return 1
        given = publish.Changes(manifest=manifest, docker_image=options["image"], configuration=configuration)
        if options["icon_code"] is not None:
            given["icon_code"] = options["icon_code"][:20]
        if options["max_scheduled"] is not None:
            if options["max_scheduled"] < 0:
                raise CommandError("--max-scheduled: must not be negative")
            given["max_scheduled"] = options["max_scheduled"]
        if not 0 < len(options["image"].strip()) <= 500:
            raise CommandError("--image: must be 1 to 500 characters")
        published = publish.publish(given, now=clock.now())
        job_type = published.job_type
        if options["json"]:
            self.show_json(JobTypeSerializer(job_type).data)
        else:
            self.say(f"{job_type}: {'new' if published.is_new else 'edited'}, revision {job_type.revision_num}")
        return None


def _read(name: str) -> dict[str, Any]:
    """The object in a file of JSON or YAML. Raises CommandError."""
    try:
        text = Path(name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name}: cannot be read: {error}") from None
    if len(text) > 2 * MAX_MANIFEST:
        raise CommandError(f"{name}: is larger than {2 * MAX_MANIFEST // 1024} KiB")
    try:
        value = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise CommandError(f"{name}: is neither JSON nor YAML: {error}") from None
    if not isinstance(value, dict):
        raise CommandError(f"{name}: does not hold an object")
    return value


def _configuration(options: dict[str, Any]) -> dict[str, Any] | None:
    return _read(options["configuration"]) if options["configuration"] else None


def _as_json(finding: Finding) -> dict[str, str]:
    return {"name": finding.name, "description": finding.description, "path": finding.path}


def _state(job_type: JobType) -> str:
    return "inactive" if not job_type.is_active else "paused" if job_type.is_paused else "active"
