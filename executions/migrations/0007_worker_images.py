from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0006_runs_removed_from_a_door_and_live_runs_in_order"),
    ]

    operations = [
        migrations.AddField(
            model_name="worker",
            name="images",
            field=models.JSONField(
                blank=True,
                help_text="Of active job types by their images: whether its engine has it.",
                null=True,
            ),
        ),
    ]
