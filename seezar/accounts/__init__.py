"""Typed records of sites, accounts, sessions and runs, and the queries that keep them."""

from seezar.accounts.accounts import Accounts
from seezar.accounts.records import (
    Account,
    NewAccount,
    Page,
    PlainCheck,
    Run,
    RunEvent,
    SecondFactor,
    SessionInfo,
    SessionState,
)
from seezar.accounts.runs import Runs
from seezar.accounts.sessions import Sessions

__all__ = [
    "Account",
    "Accounts",
    "NewAccount",
    "Page",
    "PlainCheck",
    "Run",
    "RunEvent",
    "Runs",
    "SecondFactor",
    "SessionInfo",
    "SessionState",
    "Sessions",
]
