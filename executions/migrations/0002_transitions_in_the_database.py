"""The database itself refuses a change of state that is not in the table of transitions."""

from django.db import migrations

from executions.states import TRANSITIONS

ALLOWED = " OR ".join(
    f"(OLD.status = '{before.value}' AND NEW.status IN ({', '.join(repr(after.value) for after in sorted(following))}))"
    for before, following in TRANSITIONS.items()
    if following
)
POSTGRESQL = f"""
CREATE FUNCTION executions_refuse_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT ({ALLOWED}) THEN
        RAISE EXCEPTION 'execution % may not go from % to %', OLD.id, OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER executions_transition BEFORE UPDATE OF status ON executions_execution
FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION executions_refuse_transition();
"""
SQLITE = f"""
CREATE TRIGGER executions_transition BEFORE UPDATE OF status ON executions_execution
FOR EACH ROW WHEN OLD.status <> NEW.status AND NOT ({ALLOWED})
BEGIN SELECT RAISE(ABORT, 'execution may not change its state so'); END;
"""


def create(apps, schema_editor):
    postgresql = schema_editor.connection.vendor == "postgresql"
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(POSTGRESQL if postgresql else SQLITE)


def drop(apps, schema_editor):
    schema_editor.execute("DROP TRIGGER executions_transition" + (" ON executions_execution" if schema_editor.connection.vendor == "postgresql" else ""))
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION executions_refuse_transition()")


class Migration(migrations.Migration):
    dependencies = [("executions", "0001_tables")]
    operations = [migrations.RunPython(create, drop)]
