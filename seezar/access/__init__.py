"""Who may use seezar over the network: clients, tokens, scopes, and what a person has to confirm."""

from seezar.access.access import Access
from seezar.access.errors import ConfirmationInvalid, ConfirmationRequired, InvalidClient, ScopeMissing, TokenInvalid
from seezar.access.scopes import Caller, Scope
from seezar.access.tokens import API_AUDIENCE, WEB_AUDIENCE, TokenPair

__all__ = [
    "API_AUDIENCE",
    "WEB_AUDIENCE",
    "Access",
    "Caller",
    "ConfirmationInvalid",
    "ConfirmationRequired",
    "InvalidClient",
    "Scope",
    "ScopeMissing",
    "TokenInvalid",
    "TokenPair",
]
