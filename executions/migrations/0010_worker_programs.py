from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0009_bulk_actions"),
    ]

    operations = [
        migrations.AddField(
            model_name="worker",
            name="programs",
            field=models.JSONField(
                blank=True, help_text="The Seed types that it runs as local processes, by their names.", null=True
            ),
        ),
    ]
