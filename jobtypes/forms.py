"""The editor of a job type's documents in the console; it says all that the API's validation says."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from errors.exceptions import Invalid
from jobtypes import seed, workspaces
from jobtypes.models import JobType
from jobtypes.publish import Changes
from jobtypes.seed import Report

LOOK = "_look"
"""The button that only checks."""
MOST_CHARACTERS = 2_000_000


class _JSON(forms.CharField):
    def __init__(self, rows: int, **options: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "cols": 100, "spellcheck": "false", "class": "code"})
        super().__init__(widget=widget, max_length=MOST_CHARACTERS, **options)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return {}
        try:
            read = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is not JSON: {error}") from error
        if not isinstance(read, dict):
            raise forms.ValidationError("This is no JSON object.")
        return read


class Editor(forms.Form):
    """A manifest, its image, and a configuration. `report` holds what the check found."""

    manifest = _JSON(26, help_text="Seed 1.0.0: what it is called, what it takes and gives, what it needs.")
    docker_image = forms.CharField(max_length=500, label="Image", widget=forms.TextInput(attrs={"size": 70}))
    configuration = _JSON(
        12,
        required=False,
        help_text="Mounts, settings, workspaces, priority. A secret shows as ******** and is kept.",
    )

    report: Report = Report()

    def __init__(self, data: Any = None, *, job_type: JobType | None = None) -> None:
        self.job_type = job_type
        super().__init__(data, initial=_initial(job_type) if job_type else None)

    @property
    def is_look(self) -> bool:
        return LOOK in self.data

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "manifest" not in cleaned or "configuration" not in cleaned:
            return cleaned
        try:
            manifest = seed.as_object(cleaned["manifest"])
        except Invalid as refusal:
            self.add_error("manifest", refusal.message)
            return cleaned
        of_manifest = seed.check_manifest(manifest)
        stored = self.job_type.secrets.keys() if self.job_type else ()
        of_configuration = seed.check_configuration(
            cleaned["configuration"], manifest, workspaces.known(), stored_secrets=set(stored)
        )
        self.report = of_manifest + of_configuration
        if self.report.errors:
            self.add_error(None, "The documents have errors.")
        return cleaned

    def changes(self) -> Changes:
        """What differs from what is stored: a manifest that is sent back as it was makes no revision."""
        said = self.cleaned_data
        if self.job_type is None:
            return Changes(
                manifest=said["manifest"], docker_image=said["docker_image"], configuration=said["configuration"]
            )
        changes = Changes()
        if said["manifest"] != self.job_type.manifest:
            changes["manifest"] = said["manifest"]
        if said["docker_image"] != self.job_type.docker_image:
            changes["docker_image"] = said["docker_image"]
        if said["configuration"] != self.job_type.configuration:
            changes["configuration"] = said["configuration"]
        return changes


def _initial(job_type: JobType) -> dict[str, Any]:
    return {
        "manifest": json.dumps(job_type.manifest, indent=2, ensure_ascii=False),
        "docker_image": job_type.docker_image,
        "configuration": json.dumps(job_type.configuration, indent=2, ensure_ascii=False),
    }
