"""Manifests and configurations to try things on."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

# The body that Scale's own manual prints for adding a Seed image.
SCALE_SAMPLE: dict[str, Any] = {
    "seedVersion": "1.0.0",
    "job": {
        "jobVersion": "1.0.0",
        "packageVersion": "1.0.0",
        "name": "test",
        "title": "Job to demonstrate job type APIs",
        "description": "Reads input file and spit out specified number of bytes as output",
        "tags": ["sample", "job"],
        "timeout": 3600,
        "maintainer": {
            "email": "jdoe@example.com",
            "name": "John Doe",
            "organization": "E-corp",
            "phone": "666-555-4321",
            "url": "http://www.example.com",
        },
        "errors": [
            {
                "category": "data",
                "code": 1,
                "description": "There was a problem with input data",
                "title": "Data Issue discovered",
            },
            {
                "code": 2,
                "category": "job",
                "description": "Expected environment not provided",
                "title": "Missing environment",
            },
        ],
        "interface": {
            "command": "${INPUT_TEXT} ${INPUT_FILES} ${READ_LENGTH}",
            "inputs": {
                "files": [{"mediaTypes": ["text/plain"], "name": "INPUT_TEXT", "partial": True}],
                "json": [{"name": "READ_LENGTH", "type": "integer"}],
            },
            "mounts": [{"mode": "ro", "name": "MOUNT_PATH", "path": "/the/container/path"}],
            "outputs": {
                "files": [{"mediaType": "text/plain", "name": "OUTPUT_TEXT", "pattern": "output_text.txt"}],
                "json": [{"key": "TOTAL_INPUT", "name": "total_input", "type": "integer"}],
            },
            "settings": [{"name": "DB_HOST", "secret": False}, {"name": "DB_PASS", "secret": True}],
        },
        "resources": {
            "scalar": [
                {"name": "cpus", "value": 1.5},
                {"name": "mem", "value": 244},
                {"name": "sharedMem", "value": 1},
                {"inputMultiplier": 4, "name": "disk", "value": 11},
            ]
        },
    },
}
SCALE_CONFIGURATION: dict[str, Any] = {
    "mounts": {"MOUNT_PATH": {"type": "host", "host_path": "/path/on/host"}},
    "output_workspaces": {"default": "workspace_1", "outputs": {"output_1": "workspace_2"}},
    "settings": {"DB_HOST": "som.host.name", "DB_PASS": "secret_password"},
}
# The example of the manual's chapter on configurations: of another job type than the one above.
SCALE_OTHER_CONFIGURATION: dict[str, Any] = {
    "mounts": {
        "mount_1": {"type": "host", "host_path": "/the/host/path"},
        "mount_2": {"type": "volume", "driver": "docker-driver", "driver_opts": {"opt_1": "foo"}},
    },
    "output_workspaces": {"default": "workspace_1", "outputs": {"output_1": "workspace_2"}},
    "priority": 100,
    "settings": {"setting_1": "foo", "setting_2": "bar"},
}
WORKSPACES = {"workspace_1": True, "workspace_2": True, "old": False}
NOWHERE: dict[str, Any] = {}


def sample() -> dict[str, Any]:
    return deepcopy(SCALE_SAMPLE)


def sample_configuration() -> dict[str, Any]:
    return deepcopy(SCALE_CONFIGURATION)


def a_manifest(interface: dict[str, Any] | None = None, **job: Any) -> dict[str, Any]:
    """The least that a manifest states, and what is given."""
    least = {
        "name": "count-words",
        "jobVersion": "1.0.0",
        "packageVersion": "1.0.0",
        "title": "Count words",
        "description": "",
        "timeout": 60,
        "maintainer": {"name": "Ann", "email": "ann@example.com"},
    }
    return {"seedVersion": "1.0.0", "job": least | job | ({} if interface is None else {"interface": interface})}
