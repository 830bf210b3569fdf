"""What a bench is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """`repeat`: repetitions whose median counts; `seconds`: how long `steady` goes on, where it was said."""

    quick: bool = False
    repeat: int = 3
    seconds: int | None = None

    def size(self, full: int) -> int:
        """A size, or a tenth of it for a quick look."""
        return full // 10 if self.quick else full
