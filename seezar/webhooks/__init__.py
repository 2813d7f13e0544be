"""Webhooks: programs elsewhere that are told, signed and at least once, what happens here."""

from seezar.webhooks.outbox import Delivery, Outbox, Sending
from seezar.webhooks.records import EVENTS, NewWebhook, Webhook, WebhookUnknown, WithSecret
from seezar.webhooks.store import Webhooks

__all__ = [
    "EVENTS",
    "Delivery",
    "NewWebhook",
    "Outbox",
    "Sending",
    "Webhook",
    "WebhookUnknown",
    "Webhooks",
    "WithSecret",
]
