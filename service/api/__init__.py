"""The HTTP API: one FastAPI application on loopback, one router a subject."""
