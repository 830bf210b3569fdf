"""What a translator makes of a map of texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Told:
    """The system job type, what it is told, and what of the map may be shown again."""

    job_type: str
    configuration: dict[str, Any]
    shown: dict[str, str]
    """The map as it was sent, with ``********`` in the place of each secret."""
    timeout: int | None = None
    """Seconds for the job's own time limit; None: it states none."""
