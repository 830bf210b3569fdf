"""How OpenAPI describes the ways to show a token."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "config.access.authentication.TokenAuthentication"
    name = ["token", "bearer", "apiKey", "basic"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return [
            {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Token KEY`"},
            {"type": "http", "scheme": "bearer"},
            {"type": "apiKey", "in": "header", "name": "X-API-KEY"},
            {"type": "http", "scheme": "basic", "description": "Any name; the key is the password."},
        ]
