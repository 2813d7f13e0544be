"""What the way out decided during a browser life: for the timeline, and for the reason of a sign-in that failed."""

from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from seezar.accounts.records import Account
from seezar.domains import registrable_domain
from seezar.egress import EgressPolicy
from seezar.egress.hosts import split_port
from seezar.errors import RunEnded
from seezar.redaction import Redactor
from seezar.signin.credentials import Report
from seezar.signin.outcome import Outcome
from seezar.signin.secrets import account_redactor
from seezar.vault import Vault

WAY_OUT_SHUT: Final = "our proxy answered"
"""Evidence that a page was not loaded because our proxy did not let it, or could not reach it."""

_NAMED: Final = 3
# How a sign-in ends that lacked something. Others the site has decided.
_MAY_BE_REFUSALS: Final = ("captcha", "needs_person", "site_error", "unknown", "page_lost", "challenge_lost")
# What a page that works may do without.
_DECORATION: Final = frozenset({"image", "font", "media", "ping", "manifest", "texttrack"})
# A name can carry what a page has read: it is told as far as it looks like one that people give.
_LONGEST_LABEL: Final = 24
_MOST_DIGITS: Final = 4


def shown_host(host: str, redact: Redactor) -> str:
    """`host` as it may be told: without what may be a secret in it."""
    name, port = split_port(host)
    domain = registrable_domain(name) or name
    below = name.removesuffix(domain).rstrip(".")
    odd = any(
        len(label) > _LONGEST_LABEL or sum(sign.isdigit() for sign in label) >= _MOST_DIGITS
        for label in below.split(".")
    )
    shown = f"*.{domain}{f':{port}' if port else ''}" if odd else host
    return shown if redact(shown) == shown else "a host whose name holds a secret"


async def tell_egress(policy: EgressPolicy | None, report: Report, redact: Redactor) -> None:
    """Write what was decided since the last time into the timeline, as one event."""
    news: dict[str, Any] = policy.decisions.news() if policy is not None else {}
    if not news:
        return
    for entry in (*news.get("allowed", []), *news.get("refused", [])):
        entry["host"] = shown_host(entry["host"], redact)
    refused = news.get("refused", [])
    count = sum(entry["count"] for entry in refused)
    message = f"Refused {count} connections to {len(refused)} hosts" if refused else "Every host was allowed"
    await report("egress", message, **news)


async def outcome_told(
    outcome: Outcome, policy: EgressPolicy | None, account: Account, report: Report, vault: Vault
) -> Outcome:
    """The outcome of a browser life, with what was refused on the way out where that may be the reason of it. The
    timeline is told of it first.
    """
    redact = await account_redactor(vault, account, user_name=True, hosts=True)
    # It tells of what is over: a run that has ended meanwhile needs no line of it.
    with suppress(RunEnded):
        await tell_egress(policy, report, redact)
    return with_refusals(outcome, policy, account, redact)


def with_refusals(outcome: Outcome, policy: EgressPolicy | None, account: Account, redact: Redactor) -> Outcome:
    """`outcome`, where a refusal may be the reason of it, with the hosts that were refused and what allows them."""
    if policy is None or outcome.status not in _MAY_BE_REFUSALS:
        return outcome
    decisions = policy.decisions
    told: list[str] = []
    failed = [host for host in decisions.unreachable if host not in decisions.allowed]
    if failed:
        shown = ", ".join(f"{shown_host(host, redact)} ({decisions.unreachable[host]})" for host in failed[:_NAMED])
        told.append(f"Could not be reached: {shown}.".replace("_", " "))
    inside = [host for host, refused in decisions.refused.items() if "private_address" in refused.why]
    if inside:
        shown = ", ".join(shown_host(host, redact) for host in inside[:_NAMED])
        told.append(f"Refused, because it leads inside: {shown}; if that is meant, name it in SEEZAR_PRIVATE_HOSTS.")
    others = [
        host
        for host, refused in sorted(decisions.refused.items(), key=lambda entry: -entry[1].count)
        if host not in inside and not (refused.kinds and refused.kinds <= _DECORATION)
    ]
    if others:
        shown = [shown_host(host, redact) for host in others]
        fit = [host for host in shown if " " not in host]
        more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
        told.append(
            f"Not reached, as not registered for the account: {', '.join(shown[:_NAMED])}{more}."
            f" If the site needs them: seezar account allow {account.name} {' '.join(fit[:_NAMED])}"
        )
    if not told:
        return outcome
    shut = outcome.status == "site_error" and WAY_OUT_SHUT in outcome.evidence
    documents = any("document" in refused.kinds for refused in decisions.refused.values())
    # It is not the site that has to be waited for.
    status = "needs_person" if shut and documents else outcome.status
    return replace(outcome, status=status, reason=" ".join((outcome.reason, *told)))
