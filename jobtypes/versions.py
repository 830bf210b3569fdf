"""Versions of job types, ordered as semantic versions; pure."""

from __future__ import annotations

from semver import Version

# One byte decides between the kinds, so that all keys sort bytewise, alike in every database and collation.
_NOT_SEMVER, _SEMVER = b"\x00", b"\x01"
_PRERELEASE, _RELEASE = b"\x00", b"\x01"
_NUMBER, _WORD = b"\x01", b"\x02"


def precedence(version: str) -> bytes:
    """Bytes that sort as SemVer 2.0.0 precedence: 1.10.0 above 1.2.0, a release above its own pre-releases.

    Build metadata does not count. A text that is no semantic version ranks below every one that is.
    """
    try:
        parsed = Version.parse(version)
    except ValueError:
        return _NOT_SEMVER + version.encode()
    key = _SEMVER + b"".join(_number(part) for part in (parsed.major, parsed.minor, parsed.patch))
    if not parsed.prerelease:
        return key + _RELEASE
    return key + _PRERELEASE + b"".join(_identifier(part) for part in parsed.prerelease.split(".")) + b"\x00"


def _number(value: int) -> bytes:
    digits = str(value).encode()
    return len(digits).to_bytes(2, "big") + digits


def _identifier(part: str) -> bytes:
    return _NUMBER + _number(int(part)) if part.isdigit() else _WORD + part.encode() + b"\x00"
