from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='DoorState',
            fields=[
                ('door', models.CharField(help_text='A word of executions.states.Door.', max_length=9, primary_key=True, serialize=False)),
                ('kept', models.JSONField(default=dict)),
            ],
        ),
    ]
