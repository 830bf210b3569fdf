import django.db.models.deletion
import django.db.models.functions.comparison
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('executions', '0005_output_files'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='execution',
            index=models.Index(condition=models.Q(('ended', None)), fields=['-group'], name='execution_live_by_group'),
        ),
        migrations.AddIndex(
            model_name='execution',
            index=models.Index(django.db.models.functions.comparison.Coalesce('scheduled_for', 'created'), condition=models.Q(('started', None)), name='execution_by_due'),
        ),
        migrations.CreateModel(
            name='Removal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('door', models.CharField(choices=[('native', 'Native'), ('console', 'Console'), ('shell', 'Shell'), ('dkron', 'Dkron'), ('udata', 'Udata'), ('adverity', 'Adverity'), ('taipy', 'Taipy'), ('scheduler', 'Scheduler')], max_length=9)),
                ('by', models.CharField(blank=True, default='', max_length=150)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('run', models.ForeignKey(db_index=False, help_text='The first execution of the run.', on_delete=django.db.models.deletion.CASCADE, related_name='removals', to='executions.execution')),
            ],
        ),
        migrations.AddConstraint(
            model_name='removal',
            constraint=models.UniqueConstraint(fields=('run', 'door'), name='removal_once_per_door'),
        ),
    ]
