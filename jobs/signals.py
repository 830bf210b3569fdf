"""What higher apps may want to hear of jobs, in the transaction in which it happens."""

from __future__ import annotations

from django.dispatch import Signal

instants_dropped = Signal()
"""A job was changed while instants of it were due that nobody had fired: `job` (its id), `count`, `reason`."""
