r"""A crontab as crontab(5) has it: settings, comments, five fields or a nickname, a command; pure.

A `%` that no backslash stands before ends the command; what follows goes to its standard input, with further ones as
line breaks. Settings count for the lines below them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

FIELDS = 5
_SETTING = re.compile(r"""(?P<name>[A-Za-z_]\w*|"[^"]*"|'[^']*')\s*=\s*(?P<value>.*)""", re.ASCII)
_PERCENT = re.compile(r"(?<!\\)%")
_LEADING = {
    *("cd", "test", "[", "nice", "ionice", "env", "exec", "time", "nohup", "sudo", "flock", "timeout", "chronic", "if"),
    *("sh", "bash", "dash", "zsh", "python", "python3", "perl", "ruby", "php", "node", "java"),
}
"""Words that stand before what a line is about."""
_ENDING = re.compile(r"\.(sh|py|pl|rb|php|js|jar|bash)$")
_OTHER = re.compile(r"[^a-z0-9_-]+")
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Line:
    """A line that says when to run what. `problem` says why it is no such line after all."""

    number: int
    text: str
    schedule: str = ""
    command: str = ""
    stdin: str | None = None
    user: str = ""
    title: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def name(self) -> str:
        """What the job could be called: the program, without its folder and its ending."""
        before = ""
        for word in self.command.replace("(", " ").replace(";", " ").split():
            is_folder, before = before == "cd", word
            if is_folder or "=" in word or word.startswith("-") or word in _LEADING:
                continue
            base = _ENDING.sub("", word.strip("\"'").rstrip("/").rpartition("/")[2].lower())
            if slug := _OTHER.sub("-", base).strip("-_")[:LONGEST_NAME]:
                if slug in _LEADING or slug.isdigit():
                    continue
                return slug
        return f"cron-line-{self.number}"


def lines(text: str, *, has_users: bool = False) -> Iterator[Line]:
    """The lines of a crontab that say when to run what. `has_users`: of a system's own, whose sixth field is a user."""
    settings: dict[str, str] = {}
    title = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line:
            title = ""
        elif line.startswith("#"):
            title = line.strip("# \t")
        elif found := _SETTING.fullmatch(line):
            settings[_unquoted(found["name"])] = _unquoted(found["value"].strip())
            title = ""
        else:
            yield _line(number, line, title, dict(settings), has_users)
            title = ""


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _line(number: int, text: str, title: str, settings: dict[str, str], has_users: bool) -> Line:
    when = 1 if text.startswith("@") else FIELDS
    words = text.split(None, when + has_users)
    if len(words) <= when + has_users:
        missing = "a user and a command" if has_users else "a command"
        said = f"{when} field{'s' if when > 1 else ''} for when, then {missing}"
        return Line(number, text, problem=f"must have {said}")
    command, stdin = _without_input(words[-1])
    user = words[when] if has_users else ""
    return Line(number, text, " ".join(words[:when]), command, stdin, user, title, settings)


def _without_input(command: str) -> tuple[str, str | None]:
    """The command, and what it reads; None: nothing was said."""
    own, *given = _PERCENT.split(command)
    told = [part.replace("\\%", "%") for part in given]
    return own.replace("\\%", "%").strip(), "\n".join(told) + "\n" if told else None
