"""The database itself keeps the tally: whatever makes, changes or deletes an execution changes the number with it."""

from django.db import migrations

FINAL = "('COMPLETED', 'FAILED', 'CANCELED')"
INTO = "INSERT INTO executions_tally (job_type, status, error, since, count, oldest, newest)"


def counted(row):
    """Whether a row is counted: the last try of a run that has ended."""
    return f"({row}.is_last_try AND {row}.status IN {FINAL})"


POSTGRESQL = f"""
CREATE FUNCTION executions_tally_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {INTO} VALUES (NEW.job_type_id, NEW.status, COALESCE(NEW.error_id, 0), date_trunc('minute', NEW.ended), 1, NEW.ended, NEW.ended);
    RETURN NULL;
END $$;
CREATE FUNCTION executions_tally_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM after WHERE status IN {FINAL}) THEN
        {INTO}
        SELECT after.job_type_id, after.status, COALESCE(after.error_id, 0), date_trunc('minute', after.ended),
               sum(CASE WHEN after.is_last_try THEN 1 ELSE -1 END), min(after.ended), max(after.ended)
        FROM after JOIN before USING (id)
        WHERE after.status IN {FINAL} AND {counted("after")} <> {counted("before")}
        GROUP BY 1, 2, 3, 4;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION executions_tally_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {INTO}
    SELECT job_type_id, status, COALESCE(error_id, 0), date_trunc('minute', ended), -count(*), min(ended), max(ended)
    FROM before WHERE {counted("before")}
    GROUP BY 1, 2, 3, 4;
    RETURN NULL;
END $$;
CREATE TRIGGER executions_tally_insert AFTER INSERT ON executions_execution
    FOR EACH ROW WHEN ({counted("NEW")}) EXECUTE FUNCTION executions_tally_one();
CREATE TRIGGER executions_tally_update AFTER UPDATE ON executions_execution
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION executions_tally_changed();
CREATE FUNCTION executions_tally_none() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM executions_tally;
    RETURN NULL;
END $$;
CREATE TRIGGER executions_tally_truncate AFTER TRUNCATE ON executions_execution
    FOR EACH STATEMENT EXECUTE FUNCTION executions_tally_none();
CREATE TRIGGER executions_tally_delete AFTER DELETE ON executions_execution
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION executions_tally_gone();
"""  # noqa: S608 -- our own words


def sqlite_insert(row, count):
    since = f"substr({row}.ended, 1, 16) || ':00'"
    return f"{INTO} VALUES ({row}.job_type_id, {row}.status, COALESCE({row}.error_id, 0), {since}, {count}, {row}.ended, {row}.ended);"


SQLITE = (
    f"""CREATE TRIGGER executions_tally_insert AFTER INSERT ON executions_execution
    WHEN {counted("NEW")} BEGIN {sqlite_insert("NEW", 1)} END""",
    f"""CREATE TRIGGER executions_tally_update AFTER UPDATE OF status, is_last_try ON executions_execution
    WHEN {counted("NEW")} AND NOT {counted("OLD")} BEGIN {sqlite_insert("NEW", 1)} END""",
    f"""CREATE TRIGGER executions_tally_superseded AFTER UPDATE OF is_last_try ON executions_execution
    WHEN {counted("OLD")} AND NOT {counted("NEW")} BEGIN {sqlite_insert("OLD", -1)} END""",
    f"""CREATE TRIGGER executions_tally_delete AFTER DELETE ON executions_execution
    WHEN {counted("OLD")} BEGIN {sqlite_insert("OLD", -1)} END""",
)
HISTORY = f"""
{INTO}
SELECT job_type_id, status, COALESCE(error_id, 0), {{minute}}, count(*), min(ended), max(ended)
FROM executions_execution WHERE {counted("executions_execution")}
GROUP BY 1, 2, 3, 4
"""  # noqa: S608 -- our own words


def create(apps, schema_editor):
    postgresql = schema_editor.connection.vendor == "postgresql"
    with schema_editor.connection.cursor() as cursor:
        for statement in (POSTGRESQL,) if postgresql else SQLITE:
            cursor.execute(statement)
        # As if the triggers had been there all the time.
        minute = "date_trunc('minute', ended)" if postgresql else "substr(ended, 1, 16) || ':00'"
        cursor.execute(HISTORY.format(minute=minute))


def drop(apps, schema_editor):
    on = " ON executions_execution" if schema_editor.connection.vendor == "postgresql" else ""
    names = ["insert", "update", "delete", "truncate" if on else "superseded"]
    for name in names:
        schema_editor.execute(f"DROP TRIGGER executions_tally_{name}{on}")
    if on:
        for name in ("one", "changed", "gone", "none"):
            schema_editor.execute(f"DROP FUNCTION executions_tally_{name}()")


class Migration(migrations.Migration):
    dependencies = [("executions", "0003_tally")]
    operations = [migrations.RunPython(create, drop)]
