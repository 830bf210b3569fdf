"""The output of an execution as its page shows it: the end first, older lines on demand, by number, or by a word.

Lines come as pieces of text with classes, so that whoever shows them needs to know nothing of terminals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse

from errors.console import ansi
from executions import output
from executions.models import Execution, OutputChunk
from executions.output import LONGEST_LINE, Line

AT_ONCE = 500
"""Lines of one answer."""
AROUND = 200
LONGEST_WORD = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """A line on the page; `is_gap`: lines before it are not kept."""

    n: int
    time: str
    stream: str
    pieces: list[ansi.Piece]
    is_gap: bool = False


@dataclass(frozen=True, slots=True)
class Log:
    """What the page opens with."""

    lines: list[Shown]
    after: int
    line: int
    """The line that was asked for; 0: none, the log opens at its end."""
    word: str
    is_live: bool
    is_whole: bool
    """Whether the first line of all is among `lines`."""


def read(execution: Execution, query: Mapping[str, str]) -> Log:
    """The end of the output; or what lies around ``?line=``, or the lines in which ``?find=`` occurs."""
    line, word = _number(query, "line"), query.get("find", "").replace("\x00", "")[:LONGEST_WORD]
    if word:
        lines = list(_found(execution, word))
    elif line:
        lines = [*_backwards(execution, line, AROUND), *output.read(execution, line - 1, AT_ONCE).lines]
    else:
        lines = _backwards(execution, None, AT_ONCE)
    last = lines[-1].seq if lines else 0
    return Log(
        lines=_shown(lines, with_gaps=not word),
        after=last,
        line=line,
        word=word,
        is_live=not word and not line and not execution.is_final,
        is_whole=not lines or lines[0].seq == 1,
    )


def answer(execution: Execution, query: Mapping[str, str]) -> HttpResponse:
    """Lines after ``?after=`` or before ``?before=`` as JSON; `done` when no more will come."""
    if "before" in query:
        older = _backwards(execution, max(_number(query, "before"), 1), AT_ONCE)
        return JsonResponse({"lines": _plain(older), "after": 0, "done": True})
    page = output.read(execution, _number(query, "after"), AT_ONCE)
    return JsonResponse({"lines": _plain(page.lines), "after": page.after, "done": page.done})


def download(execution: Execution) -> StreamingHttpResponse:
    """All that is kept so far, as a file."""
    pieces = (piece.encode(errors="replace") for piece in output.text(execution))
    response = StreamingHttpResponse(pieces, content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="execution-{execution.pk}.log"'
    return response


def _backwards(execution: Execution, before: int | None, limit: int) -> list[Line]:
    """Up to `limit` lines below line `before`, or the last ones, in order."""
    chunks = OutputChunk.objects.filter(execution=execution).order_by("-seq")
    if before is not None:
        chunks = chunks.filter(seq__lt=F("lines") + (before - 1))
    found: list[Line] = []
    for chunk in chunks[:limit]:
        lines = [line for line in _lines(chunk) if before is None or line.seq < before]
        found = lines + found
        if len(found) >= limit:
            break
    return found[-limit:]


def _found(execution: Execution, word: str) -> Iterator[Line]:
    """The first AT_ONCE lines with `word` in them, in any case."""
    wanted, count = word.lower(), 0
    for chunk in OutputChunk.objects.after(execution.pk, 0).iterator(chunk_size=50):
        for line in _lines(chunk):
            if wanted in ansi.plain(line.text).lower():
                yield line
                count += 1
                if count == AT_ONCE:
                    return


def _lines(chunk: OutputChunk) -> list[Line]:
    texts = chunk.text.removesuffix("\n").split("\n")
    numbered = enumerate(texts, chunk.seq - chunk.lines + 1)
    return [Line(number, chunk.time, chunk.stream, text[:LONGEST_LINE]) for number, text in numbered]


def _shown(lines: Iterable[Line], *, with_gaps: bool) -> list[Shown]:
    made, previous = [], None
    for line in lines:
        is_gap = with_gaps and previous is not None and line.seq > previous + 1
        made.append(
            Shown(line.seq, line.time.isoformat(timespec="seconds"), line.stream, ansi.pieces(line.text), is_gap)
        )
        previous = line.seq
    return made


def _plain(lines: Iterable[Line]) -> list[dict[str, Any]]:
    return [
        {"n": line.n, "time": line.time, "stream": line.stream, "pieces": line.pieces}
        for line in _shown(lines, with_gaps=False)
    ]


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
