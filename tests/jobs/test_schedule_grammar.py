"""What a schedule's text may say, and what is answered when it may not."""

import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest

from jobs.schedule import Kind, ScheduleError, parse

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}Z")


@pytest.mark.parametrize(
    ("text", "instants"),
    [
        ("30 2 * * *", ["2026-11-21T02:30", "2026-11-22T02:30"]),
        ("15 30 2 * * *", ["2026-11-21T02:30:15", "2026-11-22T02:30:15"]),
        ("*/20 * * * * *", ["2026-11-20T12:00:20", "2026-11-20T12:00:40"]),
        ("0 9-17/4 * * mon-fri", ["2026-11-20T13:00", "2026-11-20T17:00"]),
        ("5-5/10 * * * *", ["2026-11-20T12:05", "2026-11-20T13:05"]),
        ("0 0 L * *", ["2026-11-30T00:00", "2026-12-31T00:00"]),
        ("0 0 * * 1#2", ["2026-12-14T00:00", "2027-01-11T00:00"]),
        ("0 0 1 * 1", ["2026-11-23T00:00", "2026-11-30T00:00"]),
        ("0 0 */10 * 1", ["2026-12-21T00:00", "2027-01-11T00:00"]),
        ("0 0 29 2 *", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("  30\t2 *  * * ", ["2026-11-21T02:30", "2026-11-22T02:30"]),
        ("@yearly", ["2027-01-01T00:00", "2028-01-01T00:00"]),
        ("@annually", ["2027-01-01T00:00", "2028-01-01T00:00"]),
        ("@monthly", ["2026-12-01T00:00", "2027-01-01T00:00"]),
        ("@weekly", ["2026-11-22T00:00", "2026-11-29T00:00"]),
        ("@daily", ["2026-11-21T00:00", "2026-11-22T00:00"]),
        ("@midnight", ["2026-11-21T00:00", "2026-11-22T00:00"]),
        ("@hourly", ["2026-11-20T13:00", "2026-11-20T14:00"]),
        ("@minutely", ["2026-11-20T12:01", "2026-11-20T12:02"]),
        ("@every 1h30m", ["2026-11-20T13:30", "2026-11-20T15:00"]),
        ("@every 1.5h", ["2026-11-20T13:30", "2026-11-20T15:00"]),
        ("@every 2s900ms", ["2026-11-20T12:00:02", "2026-11-20T12:00:04"]),
        ("@every 3000000us", ["2026-11-20T12:00:03", "2026-11-20T12:00:06"]),
        ("@every 3000000\N{MICRO SIGN}s", ["2026-11-20T12:00:03", "2026-11-20T12:00:06"]),
        ("@every 1000000000ns", ["2026-11-20T12:00:01", "2026-11-20T12:00:02"]),
        ("@at 2026-11-21T10:00:00Z", ["2026-11-21T10:00"]),
        ("@at 2026-11-21T10:00:00.9+02:00", ["2026-11-21T08:00"]),
        ("@at 2020-01-01T00:00:00Z", []),
        ("@manually", []),
        ("", []),
        ("   ", []),
        ("0 0 30 2 *", []),
        ("0 0 31 4,6 */2", []),
    ],
)
def test_a_text_means_its_instants(text, instants):
    assert list(parse(text).instants(NOON, limit=2)) == [at(instant) for instant in instants]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("30 2 * * *", Kind.CRON),
        ("@hourly", Kind.CRON),
        ("@every 5m", Kind.INTERVAL),
        ("@at 2026-11-21T10:00:00Z", Kind.MOMENT),
        ("@manually", Kind.MANUAL),
        ("", Kind.MANUAL),
    ],
)
def test_a_schedule_knows_its_kind(text, kind):
    assert parse(text).kind == kind


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("60 * * * * *", "second", 'second field "60": must be within 0-59'),
        ("60 * * * *", "minute", 'minute field "60": must be within 0-59'),
        ("0 25 * * *", "hour", 'hour field "25": must be within 0-23'),
        ("0 1,25 * * *", "hour", 'hour field "1,25": "25" must be within 0-23'),
        ("0 22-2 * * *", "hour", 'hour field "22-2": must not end before it starts; allowed is 0-23'),
        (
            "0 0 32 * *",
            "day-of-month",
            'day-of-month field "32": must be within 1-31, L (last day) or LW (last weekday)',
        ),
        ("0 0 ? * *", "day-of-month", 'day-of-month field "?": must be "*" to mean any'),
        ("0 0 * June *", "month", 'month field "June": must be within 1-12 or JAN-DEC'),
        (
            "0 0 * * monday",
            "day-of-week",
            (
                'day-of-week field "monday": must be within 0-7 or SUN-SAT, '
                "with #1 to #5 (nth of the month); 0L-7L for the last"
            ),
        ),
        ("1,,2 * * * *", "minute", 'minute field "1,,2": must not have an empty part; allowed is 0-59'),
        ("*/0 * * * *", "minute", 'minute field "*/0": must have a whole number from 1 up as its step, not "0"'),
        ("*\x00 * * * *", "minute", 'minute field "*\N{REPLACEMENT CHARACTER}": must be within 0-59'),
        (
            "0 0 * * \N{LATIN SMALL LETTER LONG S}un",
            "day-of-week",
            (
                'day-of-week field "\N{LATIN SMALL LETTER LONG S}un": must be within 0-7 or SUN-SAT, '
                "with #1 to #5 (nth of the month); 0L-7L for the last"
            ),
        ),
        (
            "* * *",
            "schedule",
            'schedule "* * *": must have five fields (minute hour day month weekday) or six (seconds first), not 3',
        ),
        (
            "@reboot",
            "schedule",
            (
                'schedule "@reboot": must be one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, '
                "@minutely, @every 1h30m, @at 2026-11-21T10:00:00Z, @manually, or cron fields"
            ),
        ),
        (
            "TZ=UTC 0 0 * * *",
            "schedule",
            'schedule "TZ=UTC 0 0 * * *": must not name a zone, which has a place of its own',
        ),
        (
            "@every day",
            "schedule",
            'schedule "@every day": must be @every and a duration without spaces in h, m and s, like 1h30m',
        ),
        (
            "@every -1h",
            "schedule",
            'schedule "@every -1h": must be @every and a duration without spaces in h, m and s, like 1h30m',
        ),
        ("@every 999ms", "schedule", 'schedule "@every 999ms": must not be sooner than every 1s'),
        ("@every 2562048h", "schedule", 'schedule "@every 2562048h": must not be longer than 2562047h'),
        (
            "@at 2026-11-21T10:00:00",
            "schedule",
            (
                'schedule "@at 2026-11-21T10:00:00": must be @at and a date and time with its offset, '
                "like 2026-11-21T10:00:00Z"
            ),
        ),
        (
            "@at tomorrow",
            "schedule",
            'schedule "@at tomorrow": must be @at and a date and time with its offset, like 2026-11-21T10:00:00Z',
        ),
        (
            "@at 9999-12-31T23:59:59-01:00",
            "schedule",
            (
                'schedule "@at 9999-12-31T23:59:59-01:00": must be @at and a date and time with its offset, '
                "like 2026-11-21T10:00:00Z"
            ),
        ),
        (
            "@at 9999-12-31T23:59:59Z",
            "schedule",
            'schedule "@at 9999-12-31T23:59:59Z": must be in one of the years 2 to 9998',
        ),
        (
            "@at 0001-01-01T00:00:00Z",
            "schedule",
            'schedule "@at 0001-01-01T00:00:00Z": must be in one of the years 2 to 9998',
        ),
        ("0" * 256, "schedule", "schedule: must have at most 255 characters, not 256"),
        (
            "1" * 100 + " * * * *",
            "minute",
            f'minute field "{"1" * 60}...": must be within 0-59',
        ),
    ],
)
def test_a_bad_text_is_refused_with_its_place_and_what_is_allowed(text, field, message):
    with pytest.raises(ScheduleError) as refused:
        parse(text)

    assert refused.value.field == field
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Mars/Olympus", 'timezone "Mars/Olympus": must be a known zone like Europe/Berlin or UTC'),
        ("europe/berlin", 'timezone "europe/berlin": did you mean "Europe/Berlin"?'),
        ("", 'timezone "": must be a known zone like Europe/Berlin or UTC'),
        ("localtime", 'timezone "localtime": must be a known zone like Europe/Berlin or UTC'),
        ("../../etc/passwd", 'timezone "../../etc/passwd": must be a known zone like Europe/Berlin or UTC'),
        ("/etc/localtime", 'timezone "/etc/localtime": must be a known zone like Europe/Berlin or UTC'),
    ],
)
@pytest.mark.parametrize("text", ["@daily", "@every 1h", "@manually"])
def test_an_unknown_zone_is_refused_whatever_the_text(text, name, message):
    with pytest.raises(ScheduleError) as refused:
        parse(text, name)

    assert refused.value.field == "timezone"
    assert str(refused.value) == message


def test_a_refusal_survives_pickling():
    with pytest.raises(ScheduleError) as refused:
        parse("0 25 * * *")

    copy = pickle.loads(pickle.dumps(refused.value))

    assert (str(copy), copy.field) == (str(refused.value), "hour")


def test_equal_texts_give_equal_schedules():
    assert parse("30 2 * * *", "Europe/Berlin") == parse(" 30  2 * * *", "Europe/Berlin")
    assert parse("") == parse("@manually")
    assert len({parse("@every 1h"), parse("@every 1h"), parse("@every 1h", "Asia/Tokyo")}) == 2


def test_parsing_a_text_again_costs_nothing():
    assert parse("17 4 * * 2", "Asia/Tokyo") is parse("17 4 * * 2", "Asia/Tokyo")


def test_a_schedule_survives_pickling():
    for text in ("30 2 * * *", "@every 1h", "@at 2026-11-21T10:00:00Z", "@manually"):
        schedule = parse(text, "Europe/Berlin")
        schedule.next_after(NOON)

        assert pickle.loads(pickle.dumps(schedule)) == schedule


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("30 2 * * *", "At 02:30 every day"),
        ("0 30 2 * * *", "At 02:30 every day"),
        ("15 30 2 * * *", "At 02:30:15 every day"),
        ("@hourly", "At the start of every hour"),
        ("* * * * * *", "Every second"),
        ("*/10 * * * * *", "Every 10th second of every minute"),
        ("*/10 30 2 * * *", "At 02:30 every day, every 10th second of that minute"),
        (
            "15,45 */5 9-17 * * MON-FRI",
            "Every fifth minute from 09:00 through 17:59 on Monday through Friday, at seconds 15 and 45 of that minute",
        ),
        ("0 0 30 2 *", "At 00:00 on February 30"),
        ("@every 1h30m", "Every 1 hour 30 minutes"),
        ("@every 1h", "Every hour"),
        ("@every 24h", "Every 24 hours"),
        ("@every 90s", "Every 1 minute 30 seconds"),
        ("@at 2026-11-21T10:00:00Z", "Once, on 2026-11-21 at 11:00"),
        ("@at 2026-11-21T10:00:05Z", "Once, on 2026-11-21 at 11:00:05"),
        ("@manually", "Only when started by hand or by a parent"),
    ],
)
def test_a_schedule_says_itself_in_words(text, words):
    assert parse(text, "Europe/Berlin").words == words


def test_only_intervals_have_a_period():
    assert parse("@every 1h30m").period == timedelta(minutes=90)
    assert parse("@every 1.9s").period == timedelta(seconds=1)
    assert parse("@hourly").period is None
    assert parse("@at 2026-11-21T10:00:00Z").period is None
    assert parse("@manually").period is None


def test_an_interval_counts_from_its_anchor():
    schedule, anchor = parse("@every 1h"), at("2026-11-20T12:10:00.750")

    assert schedule.next_after(anchor, anchor) == at("2026-11-20T13:10")
    assert schedule.next_after(at("2026-11-20T15:10"), anchor) == at("2026-11-20T16:10")
    assert schedule.next_after(at("2026-11-20T15:09:59.999"), anchor) == at("2026-11-20T15:10")


def test_an_interval_whose_anchor_lies_ahead_waits_for_the_first_instant_after_it():
    assert parse("@every 1h").next_after(NOON, NOON + timedelta(days=1)) == NOON + timedelta(days=1, hours=1)


def test_a_time_in_any_zone_is_understood_and_one_without_is_refused():
    schedule = parse("@hourly")

    assert schedule.next_after(NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))) == at("2026-11-20T13:00")
    with pytest.raises(ValueError, match="know their zone"):
        schedule.next_after(NOON.replace(tzinfo=None))


def test_a_due_instant_itself_is_not_after_itself():
    for text in ("@hourly", "@at 2026-11-20T13:00:00Z"):
        schedule, due = parse(text), at("2026-11-20T13:00")

        assert schedule.next_after(due - timedelta(microseconds=1)) == due
        assert schedule.next_after(due) != due
        assert schedule.count_between(due - timedelta(seconds=1), due) == 1
        assert schedule.count_between(due, due + timedelta(seconds=1)) == 0


def test_schedules_end_with_the_calendar():
    end = datetime.max.replace(tzinfo=UTC)

    for text in ("* * * * *", "0 0 * * *", "@every 1h", "@manually"):
        for name in ("UTC", "Asia/Tokyo", "America/New_York"):
            assert parse(text, name).next_after(end) is None


def test_cron_has_no_instants_before_1970():
    assert parse("@hourly").next_after(datetime(1, 1, 1, tzinfo=UTC)) == at("1970-01-01T01:00")
