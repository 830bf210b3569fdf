"""Indexes for the audit, which is Django's own log: by time, and all about one object (its History page)."""

from django.db import migrations

INDEXES = {
    "audit_by_time": "(action_time, id)",
    "audit_of_object": "(content_type_id, object_id, id)",
}


class Migration(migrations.Migration):
    dependencies = [
        ("errors", "0002_builtin_errors"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [
        migrations.RunSQL(f"CREATE INDEX {name} ON django_admin_log {columns}", f"DROP INDEX {name}")
        for name, columns in INDEXES.items()
    ]
