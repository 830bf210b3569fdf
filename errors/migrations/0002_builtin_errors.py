from django.db import migrations

from errors.catalogue import BUILTIN


def make(apps, schema_editor):
    error = apps.get_model("errors", "Error")
    for row in BUILTIN:
        error.objects.update_or_create(
            name=row.name,
            job_type_name=None,
            defaults={
                "title": row.title,
                "description": row.description,
                "category": row.category,
                "should_be_retried": row.should_be_retried,
                "is_builtin": True,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("errors", "0001_tables")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
