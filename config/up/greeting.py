"""What `up` says once the house answers: where it is, who may enter, how to go on."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from django.conf import settings

from config.up.address import Address
from config.up.first_start import FILE, Administrator


def greeting(address: Address, administrator: Administrator | None) -> str:
    """A short framed text."""
    if administrator:
        sign_in = f"{administrator.name} / {administrator.password}   (kept in {settings.DATA_DIR / FILE})"
    else:
        sign_in = "with your own account (manage.py createsuperuser makes another)"
    database = settings.DATABASES["default"]
    data = str(settings.DATA_DIR)
    if not settings.IS_EMBEDDED_DATABASE:
        data = f"PostgreSQL {database['HOST']}/{database['NAME']}, keys in {data}"
    rows = [
        ("Console", f"{address.url}/admin/"),
        ("Sign in", sign_in),
        ("API", f"{address.url}/api/docs/"),
        ("Data", data),
        ("Token", f"{_this_program()} create_token YOU --role editor"),
        ("Jobs", f"{_this_program()} jobs"),
        ("Stop", "Ctrl-C"),
    ]
    if address.host in ("0.0.0.0", "::") and set(settings.ALLOWED_HOSTS) <= {"localhost", "127.0.0.1", "[::1]"}:  # noqa: S104 -- as above
        rows.append(("Note", "other machines are refused until ALLOWED_HOSTS lists the names they use for this one"))
    lines = [f"{name:<9}{text}" for name, text in rows]
    rule = "─" * min(max(map(len, lines)) + 2, shutil.get_terminal_size().columns)
    return "\n".join([rule, " Jobhouse is running", "", *(f" {line}" for line in lines), rule])


def _this_program() -> str:
    """How this program is called in another shell of the same folder."""
    words = [_short(sys.executable), _short(sys.argv[0])]
    kept = [f"{name}={shlex.quote(os.environ[name])} " for name in ("DATA_DIR", "DATABASE_URL") if os.environ.get(name)]
    return "".join(kept) + " ".join(map(shlex.quote, words))


def _short(path: str) -> str:
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_absolute() and Path(path).is_relative_to(here) else path
