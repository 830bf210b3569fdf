"""Crontabs: how a line is read, what it becomes, at the shell and on the console's page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from config.dialects.crontab.read import Line, lines
from jobs.models import Job
from tests.console.visits import browser, page, queries

CRONTAB = """\
SHELL=/bin/bash
MAILTO=ops@example.org
CRON_TZ=Europe/Berlin
GREETING="hello there"

# Backup of the shop
30 2 * * * /opt/bin/backup.sh --full > /dev/null 2>&1
*/5 * * * *   cd /srv && nice -n 10 python3 poll.py
0 9 * * MON-FRI mail -s "50\\% done" ops%Good morning%team
@reboot /usr/bin/start
61 * * * * echo never
0 0 * *
"""
ADDRESS = "/admin/crontab/"


def take_in(tmp_path: Path, text: str, *arguments: str) -> tuple[str, int]:
    """What the command said, and its exit code."""
    file, out = tmp_path / "crontab", io.StringIO()
    file.write_text(text)
    try:
        call_command("import", "crontab", str(file), *arguments, stdout=out)
    except SystemExit as end:
        return out.getvalue(), int(end.code or 0)
    return out.getvalue(), 0


def only(text: str, **options: bool) -> Line:
    (line,) = lines(text, **options)
    return line


# --- reading ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "schedule", "command"),
    [
        ("30 2 * * * echo hello", "30 2 * * *", "echo hello"),
        ("  30\t2 * *   *\techo  two  blanks ", "30 2 * * *", "echo  two  blanks"),
        ("@daily echo hello", "@daily", "echo hello"),
        ("0 0 1 JAN SUN echo 100\\%", "0 0 1 JAN SUN", "echo 100%"),
    ],
)
def test_a_line_says_when_and_what(text: str, schedule: str, command: str):
    line = only(text)

    assert (line.schedule, line.command, line.problem, line.stdin) == (schedule, command, "", None)


def test_what_follows_a_percent_sign_is_read_by_the_command():
    assert only("0 0 * * * cat%one%two\\%").stdin == "one\ntwo%\n"


def test_settings_count_for_the_lines_below_them():
    first, second = lines("0 0 * * * a\nA = 1\n\"B\"='two words'\n0 0 * * * b")

    assert first.settings == {}
    assert second.settings == {"A": "1", "B": "two words"}


def test_a_comment_right_above_is_the_title():
    first, second = lines("# Backup\n0 0 * * * a\n# lone\n\n0 0 * * * b")

    assert (first.title, second.title) == ("Backup", "")


def test_a_systems_own_crontab_names_a_user():
    line = only("17 * * * * root cd / && run-parts /etc/cron.hourly", has_users=True)

    assert (line.user, line.name) == ("root", "run-parts")


@pytest.mark.parametrize("text", ["0 0 * *", "@daily", "hello", "0 0 * * *"])
def test_a_line_without_a_command_is_told(text: str):
    assert only(text).problem.startswith("must have")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/opt/bin/Backup_All.sh --full", "backup_all"),
        ("cd /srv && nice -n 10 python3 poll.py", "poll"),
        ("FOO=1 /usr/bin/env node server/cleanup.js", "cleanup"),
        ("test -x /usr/sbin/anacron || true", "anacron"),
        ("[ 1 ] && (", "cron-line-1"),
        ("ärger", "rger"),
    ],
)
def test_a_job_is_called_as_its_program(command: str, name: str):
    assert only(f"0 0 * * * {command}").name == name


# --- at the shell -----------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_lines_become_jobs_and_what_cannot_is_told(tmp_path: Path):
    said, code = take_in(tmp_path, CRONTAB)

    assert code == 1
    assert "6 lines: 3 made, 0 there already, 3 refused." in said
    assert "@reboot has no instant" in said
    backup = Job.objects.get(name="backup")
    assert (backup.schedule, backup.timezone, backup.title) == ("30 2 * * *", "Europe/Berlin", "Backup of the shop")
    assert backup.owner_email == "ops@example.org"
    told = backup.payload.configuration
    assert told["command"] == "/opt/bin/backup.sh --full > /dev/null 2>&1"
    assert (told["shell"], told["env"]) == (True, {"GREETING": "hello there"})
    read = Job.objects.get(name="mail").payload.configuration
    assert base64.b64decode(read["stdin_base64"]) == b"Good morning\nteam\n"
    assert read["command"] == 'mail -s "50% done" ops'


@pytest.mark.django_db
def test_taking_in_again_makes_nothing_twice(tmp_path: Path):
    text = "0 1 * * * /bin/copy a\n0 2 * * * /bin/copy b\n"
    assert "2 made" in take_in(tmp_path, text)[0]

    said, code = take_in(tmp_path, text)

    assert "2 lines: 0 made, 2 there already, 0 refused." in said
    assert code == 0
    assert set(Job.objects.values_list("name", flat=True)) >= {"copy", "copy-2"}


@pytest.mark.django_db
def test_a_dry_run_stores_nothing(tmp_path: Path):
    said, _ = take_in(tmp_path, "0 1 * * * /bin/copy a", "--dry-run", "--zone", "Asia/Tokyo")

    assert "1 made" in said
    assert "Nothing was stored." in said
    assert not Job.objects.filter(name="copy").exists()


@pytest.mark.django_db
def test_a_file_that_is_none_is_told(tmp_path: Path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("import", "crontab", str(tmp_path / "none"))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="no text in UTF-8"):
        call_command("import", "crontab", str(tmp_path / "bytes"))


# --- on the page ------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_crontab_is_looked_at_before_anything_is_made():
    client = browser("editor")

    shown = client.post(ADDRESS, {"crontab": CRONTAB, "look": ""}).content.decode()

    assert "At 02:30 every day" in shown
    assert "must be within 0-59" in shown
    assert shown.count('name="line"') == 3
    assert not Job.objects.filter(name="backup").exists()

    answer = client.post(ADDRESS, {"crontab": CRONTAB, "make": "", "line": ["7", "8"]}, follow=True)
    assert "2 jobs were made." in answer.content.decode()
    assert Job.objects.get(name="backup").created_by == client.get(ADDRESS).wsgi_request.user.get_username()
    assert not Job.objects.filter(name="mail").exists()


@pytest.mark.django_db
def test_a_reader_may_look_and_make_nothing():
    client = browser("reader")

    shown = client.post(ADDRESS, {"crontab": CRONTAB, "look": ""}).content.decode()

    assert "At 02:30 every day" in shown
    assert "Make the ticked jobs" not in shown
    assert client.post(ADDRESS, {"crontab": CRONTAB, "make": "", "line": "7"}).status_code == 403
    assert not Job.objects.filter(name="backup").exists()


@pytest.mark.django_db
def test_what_is_pasted_is_shown_as_text():
    hostile = "# <b>t</b>\n0 0 * * * echo '<script>alert(1)</script>'</textarea>"

    shown = browser().post(ADDRESS, {"crontab": hostile}).content.decode()

    assert "<script>alert" not in shown
    assert "<b>t</b>" not in shown


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "\x00", "* " * 5000, "0 0 * * * x\n" * 501, "x" * 200_001, "%" * 1000, "@" * 999])
def test_strange_crontabs_are_answered(text: str):
    client = browser()

    assert client.post(ADDRESS, {"crontab": text}).status_code == 200
    assert client.post(ADDRESS, {"crontab": text, "make": "", "line": ["x", "9" * 99]}).status_code == 200
    assert client.post(ADDRESS, {"crontab": text, "zone": "Nowhere/Else"}).status_code == 200


@pytest.mark.django_db
def test_any_schedule_can_be_tried():
    client = browser("reader")

    shown = page(client, ADDRESS, schedule="0 9 * * MON", zone="Europe/Berlin")
    assert "At 09:00 on Monday" in shown
    assert shown.count("<td>Mon ") == 10
    assert "must be within 0-59" in page(client, ADDRESS, schedule="61 * * * *")
    assert "errornote" in page(client, ADDRESS, schedule="0 9 * * *", zone="Nowhere/Else")
    assert browser("nobody").get(ADDRESS).status_code == 403
    assert queries(client, ADDRESS) < 12
