"""Runs one function inside a stage: ``python -m tests.bench.inside MODULE:FUNCTION ARGUMENTS ANSWER``.

ARGUMENTS are the function's keyword arguments as JSON, and what it returns is written as JSON to the file ANSWER.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

import django


def main() -> None:
    target, arguments, answer = sys.argv[1:]
    django.setup()
    module, _, function = target.partition(":")
    result = getattr(import_module(module), function)(**json.loads(arguments))
    Path(answer).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
