"""Our own REST API below `/api/`, described by OpenAPI at `/api/openapi.json`."""
