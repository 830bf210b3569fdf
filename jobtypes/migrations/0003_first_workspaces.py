"""The two workspaces that Scale's own examples name, there from the start. Their files lie in the house's own folder."""

from django.db import migrations

NAMES = ("workspace_1", "workspace_2")


def make(apps, schema_editor):
    workspace = apps.get_model("jobtypes", "Workspace")
    for name in NAMES:
        workspace.objects.get_or_create(
            name=name,
            defaults={
                "title": name.replace("_", " ").capitalize(),
                "description": "In the house's own folder.",
                "configuration": {"broker": {"type": "host", "host_path": ""}},
            },
        )


class Migration(migrations.Migration):
    dependencies = [("jobtypes", "0002_tags_secrets_and_workspaces")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
