"""Texts with Dkron's fields: what is filled in, and what a wrong one says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from executions.notifications.template import LONGEST, boolean, moment, render

FIELDS = {"JobName": "nightly", "Success": "true", "Output": "{{ .Success }} <b>\n"}


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("token\n{{ .JobName }}\n{{ .Success }}", "token\nnightly\ntrue"),
        ("{{.JobName}}:{{.Success}}", "nightly:true"),
        ("", ""),
        ("no fields } }} {", "no fields } }} {"),
        ('{"job": "{{ .JobName }}"}', '{"job": "nightly"}'),
        ("a  {{- .JobName -}}  \n b", "anightlyb"),
        ("a{{/* a remark */}}b", "ab"),
        ("a {{- /* trimmed */ -}} b", "ab"),
        ("{{ .Output }}", "{{ .Success }} <b>\n"),
    ],
)
def test_fields_are_filled_in_once(text, becomes):
    assert render(text, FIELDS) == becomes


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hello {{ .Nothing }}", 'Failed to execute template: template: report:1: executing "report" at <.Nothing>'),
        ("\n\n{{ .JobName", "Failed to parse template: template: report:3: unclosed action"),
        ("{{ if .Success }}x{{ end }}", "Failed to parse template: template: report:1: only fields"),
        ("{{ .JobName | printf }}", "Failed to parse template"),
        ("{{}}", "Failed to parse template"),
        ("{{ . }}", "Failed to parse template"),
        ("{{ .JobName.__class__ }}", "Failed to parse template"),
        ("{{ JobName }}", "Failed to parse template"),
        ("{{-}}", "Failed to parse template"),
        ("{{ ." + "a" * 100_000 + " }}", "Failed to execute template"),
        ("{{ \0 }}", "Failed to parse template"),
    ],
)
def test_of_a_wrong_text_only_what_is_wrong_is_sent(text, says):
    rendered = render(text, FIELDS)

    assert rendered.startswith(says)
    assert len(rendered) < 400


def test_a_text_that_grows_without_end_is_cut_short():
    rendered = render("{{ .Output }}" * 100_000, {"Output": "x" * 1_000_000})

    assert rendered == f"Failed to execute template: the text is longer than {LONGEST:,} characters"


def test_many_openings_cost_no_more_than_their_number():
    assert render("{{" * 200_000, FIELDS).endswith("unclosed action")


def test_values_are_written_as_go_writes_them():
    here = datetime(2026, 11, 21, 13, 0, 0, 250_000, timezone(timedelta(hours=1)))

    assert (boolean(True), boolean(False)) == ("true", "false")
    assert moment(here) == "2026-11-21 12:00:00.25 +0000 UTC"
    assert moment(datetime(2026, 11, 21, tzinfo=UTC)) == "2026-11-21 00:00:00 +0000 UTC"
    assert moment(None) == "0001-01-01 00:00:00 +0000 UTC"
