"""The page of one execution: its output, its way, its tries, what changed, and running it again."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from executions.models import Execution, ExecutionFile, OutputChunk
from executions.states import Reason, Status, Trigger
from jobs import services
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_job_type, a_worker, an_execution
from tests.console.visits import browser, page, queries

pytestmark = pytest.mark.django_db
LIST = "/admin/executions/execution/"


def address(execution: Execution, more: str = "change/") -> str:
    return f"{LIST}{execution.pk}/{more}"


def printed(execution: Execution, text: str, *, from_line: int = 1, stream: str = "stdout") -> None:
    """Let `execution` have printed `text`, in chunks of ten lines."""
    lines = text.splitlines()
    for start in range(0, len(lines), 10):
        some = lines[start : start + 10]
        OutputChunk.objects.create(
            execution=execution,
            seq=from_line + start + len(some) - 1,
            lines=len(some),
            time=NOON,
            stream=stream,
            text="\n".join(some) + "\n",
        )


def numbers(shown: str) -> list[int]:
    """The numbers of the lines of output on a page."""
    return [int(number) for number in re.findall(r'<li id="L(\d+)"', shown)]


def log(client: Client, execution: Execution, **query: int) -> dict[str, Any]:
    answer = client.get(address(execution, "log/"), query)
    assert answer.status_code == 200
    return answer.json()


# --- output -----------------------------------------------------------------------------------------------------------
def test_output_opens_at_its_end():
    execution = an_execution(status=Status.COMPLETED)
    printed(execution, "\n".join(f"line {n}" for n in range(1, 1_201)))

    shown = page(browser(), address(execution))

    assert numbers(shown) == list(range(701, 1_201))
    assert "data-tail" not in shown


def test_output_of_what_runs_is_followed():
    execution = an_execution(status=Status.RUNNING)
    printed(execution, "one\ntwo")

    shown = page(browser(), address(execution))

    assert 'data-after="2"' in shown
    assert "data-tail" in shown


def test_older_and_newer_lines_are_asked_for_by_number():
    execution = an_execution(status=Status.RUNNING)
    printed(execution, "\n".join(f"line {n}" for n in range(1, 101)))
    client = browser("reader")

    older, newer = log(client, execution, before=35), log(client, execution, after=98)

    assert [line["n"] for line in older["lines"]] == list(range(1, 35))
    assert [(line["n"], line["pieces"]) for line in newer["lines"]] == [
        (99, [["", "line 99"]]),
        (100, [["", "line 100"]]),
    ]
    assert (newer["after"], newer["done"]) == (100, False)


def test_the_end_of_output_is_said_when_the_run_is_over():
    execution = an_execution(status=Status.COMPLETED)
    printed(execution, "one")

    assert log(browser(), execution, after=0)["done"] is True
    assert log(browser(), execution, after=1) == {"lines": [], "after": 1, "done": True}


def test_a_line_has_an_address():
    execution = an_execution(status=Status.COMPLETED)
    printed(execution, "\n".join(f"line {n}" for n in range(1, 2_001)))

    shown = page(browser(), address(execution), line=900)

    assert 'href="?line=900#L900"' in shown
    assert numbers(shown)[0] == 700
    assert 900 in numbers(shown)
    assert 'class="stdout at"' in shown


def test_all_of_the_output_is_searched():
    execution = an_execution(status=Status.COMPLETED)
    printed(execution, "\n".join("a NEEDLE" if n in (7, 950) else "hay" for n in range(1, 1_001)))

    assert numbers(page(browser(), address(execution), find="needle")) == [7, 950]
    assert "No line has “pin” in it" in page(browser(), address(execution), find="pin")


def test_lines_that_are_not_kept_leave_a_gap():
    execution = an_execution(status=Status.COMPLETED, output_lost_bytes=4_096)
    printed(execution, "first")
    printed(execution, "last", from_line=900)

    shown = page(browser(), address(execution))

    assert numbers(shown) == [1, 900]
    assert "lines left out" in shown


def test_output_is_text_and_its_colours_are_classes():
    execution = an_execution(status=Status.COMPLETED)
    printed(execution, "<script>alert(1)</script> \x1b[31mred\x1b[0m")
    printed(execution, "told", from_line=2, stream="stderr")

    shown = page(browser(), address(execution))

    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert '<span class="ansi-red">red</span>' in shown
    assert 'class="stderr"' in shown


def test_output_is_downloaded_while_it_comes():
    execution = an_execution(status=Status.RUNNING)
    printed(execution, "one\ntwo")

    answer = browser("reader").get(address(execution, "log.txt"))

    assert b"".join(answer.streaming_content) == b"one\ntwo\n"
    assert answer["Content-Disposition"] == f'attachment; filename="execution-{execution.pk}.log"'
    assert answer["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("query", ["line=x", "line=99999999999999999999", "find=%00", "find=" + "a" * 3000, "line=-1"])
def test_strange_questions_for_output_are_no_failure(query: str):
    execution = an_execution(status=Status.COMPLETED, output="one\n")

    assert browser().get(f"{address(execution)}?{query}").status_code in (200, 400)
    assert browser().get(f"{address(execution, 'log/')}?after=x&limit=-5").status_code == 200
    assert browser().get(f"{address(execution, 'log/')}?before=99999999999").status_code == 200


# --- its way ----------------------------------------------------------------------------------------------------------
def test_the_way_is_told_in_words():
    execution = an_execution(status=Status.COMPLETED, created=NOON)

    shown = page(browser(), address(execution))

    assert "Waited for a free slot." in shown
    assert "2026-11-21 12:00:00" in shown


def test_what_waits_says_why():
    execution = an_execution(status=Status.QUEUED)

    assert "No worker is alive." in page(browser(), address(execution))


def test_tries_are_tabs():
    first = an_execution(status=Status.FAILED)
    second = an_execution(of=first, status=Status.COMPLETED, created=NOON + MINUTE)

    shown = page(browser(), address(second))

    assert address(first) in shown
    assert 'aria-current="page">try 2' in shown


def test_what_a_run_set_off_is_drawn():
    parent = an_execution(a_job("parent"), status=Status.COMPLETED)
    an_execution(a_job("child"), status=Status.BLOCKED, origin=parent.pk, trigger=Trigger.PARENT)
    Execution.objects.filter(job__name="child").update(origin=parent.pk)

    assert ">child</a>" in page(browser(), address(parent))


def test_a_failure_shows_its_error_and_what_its_code_raised():
    execution = an_execution(
        status=Status.FAILED, message="exit status 1", exception="builtins.ValueError", traceback="Traceback <here>"
    )

    shown = page(browser(), address(execution))

    assert "exit status 1" in shown
    assert "builtins.ValueError" in shown
    assert "Traceback &lt;here&gt;" in shown
    assert "a retry does not help by itself" in shown


def test_a_stop_is_told_with_who_asked_and_when():
    execution = an_execution(
        status=Status.CANCELED, created=NOON, stop_requested=NOON + SECOND, stop_by="ada", reason=Reason.USER
    )

    shown = page(browser(), address(execution))

    assert "asked to stop" in shown
    assert "by ada, stopped" in shown


def test_files_are_linked():
    execution = an_execution(status=Status.COMPLETED)
    file = ExecutionFile.objects.create(
        execution=execution, name="out", path="<b>.csv", workspace="w", key="k", bytes=2048, media_type="text/csv"
    )

    shown = page(browser(), address(execution))

    assert f"/v6/executions/{execution.pk}/files/{file.pk}/" in shown
    assert "&lt;b&gt;.csv" in shown
    assert "2.0 KiB" in shown


# --- what changed -----------------------------------------------------------------------------------------------------
def test_a_failure_says_what_changed_since_the_last_success():
    job = a_job("copy", configuration={"command": "true"})
    green = an_execution(job, status=Status.COMPLETED, created=NOON, worker=a_worker("old", version="1"))
    job = services.update(job, {"configuration": {"command": "false"}}, by="ada", now=NOON + MINUTE, partial=True)
    red = an_execution(job, status=Status.FAILED, created=NOON + HOUR, worker=a_worker("new", version="2"))

    shown = page(browser(), address(red))

    assert f"#{green.pk}</a>" in shown
    assert "configuration.command" in shown
    assert re.search(r"<del>true</del>.*<ins>false</ins>", shown, re.DOTALL)
    assert re.search(r"<del>old</del>.*<ins>new</ins>", shown, re.DOTALL)
    assert "What changed since" not in page(browser(), address(green))


def test_a_failure_without_a_change_says_so():
    job, worker = a_job(), a_worker()
    an_execution(job, status=Status.COMPLETED, worker=worker)
    red = an_execution(job, status=Status.FAILED, created=NOON + MINUTE, worker=worker)

    assert "Nothing that the house knows of" in page(browser(), address(red))


# --- running it again -------------------------------------------------------------------------------------------------
def typed_job() -> Any:
    schema = {
        "type": "object",
        "properties": {
            "size": {"type": "integer", "description": "How many."},
            "name": {"type": "string"},
            "fast": {"type": "boolean", "default": False},
            "kind": {"type": "string", "enum": ["a", "b"]},
            "parts": {"type": "array"},
        },
        "required": ["size"],
        "additionalProperties": False,
    }
    job_type = a_job_type(input_schema=schema)
    return a_job(
        job_type={"name": job_type.name, "version": job_type.version},
        configuration={},
        input={"json": {"size": 3, "name": "x", "parts": [1, 2]}},
    )


def test_the_form_of_another_run_has_the_last_values():
    execution = an_execution(typed_job(), status=Status.COMPLETED)

    form = browser("executor").get(address(execution, "again/")).context["form"]

    assert {field.label: field.value() for field in form} == {
        "size": 3,
        "name": "x",
        "fast": "false",
        "kind": None,
        "parts": "[\n  1,\n  2\n]",
    }
    assert form["value-size"].field.required
    assert form["value-size"].field.help_text == "How many."


def test_another_run_takes_what_the_form_says():
    execution = an_execution(typed_job(), status=Status.COMPLETED)

    browser("executor", "ada").post(
        address(execution, "again/"),
        {"value-size": "5", "value-name": "", "value-fast": "true", "value-kind": "b", "value-parts": "[3]"},
    )

    made = Execution.objects.exclude(pk=execution.pk).get()
    assert made.payload.input["json"] == {"size": 5, "fast": True, "kind": "b", "parts": [3]}
    assert (made.requested_by, made.door) == ("ada", "console")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"value-size": ""}, "required"),
        ({"value-size": "many"}, "whole number"),
        ({"value-size": "1", "value-parts": "["}, "valid JSON"),
        ({"value-size": "1", "value-parts": '{"a": 1}'}, "array"),
        ({"value-size": "1", "value-kind": "c"}, "not one of"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(values: dict[str, str], told: str):
    execution = an_execution(typed_job(), status=Status.COMPLETED)

    answer = browser("executor").post(address(execution, "again/"), values)

    assert told in str(answer.context["form"].errors)
    assert Execution.objects.count() == 1


def test_without_an_interface_the_input_is_written_whole():
    execution = an_execution(a_job_of_anything(), status=Status.COMPLETED)
    client = browser("executor")

    assert "Input" in page(client, address(execution, "again/"))
    client.post(address(execution, "again/"), {"whole": '{"json": {"a": 1}}'})

    assert Execution.objects.exclude(pk=execution.pk).get().payload.input == {"json": {"a": 1}}


@pytest.mark.parametrize(
    "whole",
    [
        '{"json": {"a": "\\ud83d"}}',
        '{"json": {"a": "\\u0000"}}',
        "[" * 2_000,
        '{"json": ' + "9" * 500 + "}",
        '"x"',
        "NaN",
    ],
    ids=["half a pair", "NUL", "deep", "long number", "a text", "no value"],
)
def test_a_hostile_input_is_refused_in_words(whole: str):
    execution = an_execution(a_job_of_anything(), status=Status.COMPLETED)

    answer = browser("executor").post(address(execution, "again/"), {"whole": whole})

    assert answer.status_code in (200, 302)
    assert Execution.objects.count() == (1 if answer.status_code == 200 else 2)


def a_job_of_anything() -> Any:
    job_type = a_job_type(input_schema={})
    return a_job(job_type={"name": job_type.name, "version": job_type.version}, configuration={})


# --- who may what -----------------------------------------------------------------------------------------------------
def test_a_reader_sees_everything_and_finds_no_button():
    execution = an_execution(status=Status.FAILED, output="out\n")
    client = browser("reader")

    shown = page(client, address(execution))

    assert "out" in shown
    assert "/do/" not in shown
    assert "again/" not in shown
    assert client.get(address(execution, "again/")).status_code == 403
    assert client.post(address(execution, "again/")).status_code == 403


def test_whoever_may_not_see_executions_sees_no_output():
    execution = an_execution(status=Status.COMPLETED, output="out\n")
    client = browser("nobody")

    assert [client.get(address(execution, part)).status_code for part in ("change/", "log/", "log.txt", "again/")] == [
        403
    ] * 4


def test_an_execution_that_is_not_there():
    client = browser()

    assert client.get(f"{LIST}12345/log/").status_code == 404
    assert client.get(f"{LIST}12345/change/").status_code == 302
    assert client.get(f"{LIST}x/change/").status_code == 302
    assert client.get(f"{LIST}99999999999999999999/log/").status_code in (404, 200)


def test_the_page_asks_no_more_for_many_tries_and_much_output_than_for_one():
    execution = an_execution(status=Status.FAILED, output="one\n")
    client = browser()
    few = queries(client, address(execution))

    for number in range(20):
        an_execution(of=execution, status=Status.FAILED, created=NOON + number * SECOND, attempt=number + 2)
        an_execution(execution.job, status=Status.COMPLETED, created=NOON - number * SECOND)
    printed(execution, "\n" * 400, from_line=2)

    assert queries(client, address(execution)) <= few + 1  # the last success, now that there is one
