"""A Django site of its own that has django-dkron in it, to be run by a test: `python -m … ADDRESS BASIC`.

Does what such a site does through django-dkron's own functions, and prints what came of it as JSON.
"""

from __future__ import annotations

import json
import sys

import django
from django.conf import settings
from django.core.management import call_command


def main(address: str, basic: str) -> None:
    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "dkron"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        MIGRATION_MODULES={"dkron": None},  # they need an app that is no part of its package
        DKRON_URL=address,
        DKRON_PATH="/ui/",
        DKRON_API_AUTH=basic,
        DKRON_NAMESPACE="site",
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    from dkron import utils
    from dkron.models import Job

    Job.objects.create(name="nightly", schedule="0 0 2 * * *", command="echo nightly", retries=1)
    Job.objects.create(name="after", schedule="@parent nightly", command="echo after | cat", use_shell=True)
    Job.objects.create(name="bad", schedule="every day", command="echo")
    said = {"first": sorted(utils.resync_jobs())}
    Job.objects.filter(name="bad").delete()
    Job.objects.filter(name="after").delete()
    Job.objects.filter(name="nightly").update(enabled=False)
    said["second"] = sorted(utils.resync_jobs(), key=str)
    utils.sync_job("nightly", None)
    said["run"] = utils.run_async("check", "--fail-level", "ERROR")
    print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
