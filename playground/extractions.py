"""What is to be read behind the login of the analytics site, as definitions of extractions."""

from typing import Any

from playground.world import DEMO_METRICS

CUSTOMERS: dict[str, Any] = {
    "name": "customers",
    "accounts": [DEMO_METRICS.name],
    "url": "/metrics/customers",
    "next": "auto",
    "key": ["customer"],
    "schema": {
        "type": "object",
        "required": ["customer", "plan", "country", "since", "events", "revenue"],
        "properties": {
            "customer": {"type": "string"},
            "plan": {"type": "string"},
            "country": {"type": "string"},
            "since": {"type": "string", "format": "date", "x-label": "Customer since"},
            "events": {"type": "integer", "minimum": 0, "x-label": "Events, 7 days"},
            "revenue": {"type": "number", "x-unit": "EUR", "x-label": "Monthly revenue"},
        },
    },
}
"""One row a customer, from a table over several pages."""

WINDOWS: dict[str, Any] = {
    "name": "windows",
    "accounts": [DEMO_METRICS.name],
    "url": "/metrics/customers",
    "each": "#customers tbody a",
    "items": "customers",
    "next": "auto",
    "key": ["event"],
    "schema": {
        "type": "object",
        "required": ["event", "last_7_days", "last_30_days"],
        "properties": {
            "event": {"type": "string"},
            "last_7_days": {"type": "integer", "minimum": 0},
            "last_30_days": {"type": "integer", "minimum": 0},
        },
    },
}
"""One row an event of a customer, with its counts in two windows, from the table on each customer's page."""

EVENTS: dict[str, Any] = {
    "name": "events",
    "accounts": [DEMO_METRICS.name],
    "url": "/metrics/customers",
    "each": "#customers tbody a",
    "items": "customers",
    "next": "auto",
    "key": ["day", "event"],
    "schema": {
        "type": "object",
        "required": ["day", "event", "count"],
        "properties": {
            "day": {"type": "string", "format": "date"},
            "event": {"type": "string"},
            "count": {"type": "integer", "minimum": 0},
        },
    },
}
"""One row an event and day of a customer, from the JSON that each customer's page is answered."""

ALL = (CUSTOMERS, WINDOWS, EVENTS)
