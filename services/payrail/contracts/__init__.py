"""The bundled OpenAPI documents, generated from `openapi/` and shipped in the wheel."""
