"""How a site says no: by the status of its answer, or in words."""

from seezar.retry_after import retry_after_seconds
from seezar.signin.outcome import Outcome
from seezar.signin.reading import Reading
from seezar.signin.stage import Stage


def refusal(stage: Stage, reading: Reading) -> Outcome | None:
    """What the site says to what was sent: an error, too many attempts, a locked account; None when none of these."""
    statuses = stage.network.statuses
    # The first is the answer to what was submitted; what comes after it is about something else.
    answer = statuses[0] if statuses else 0
    if answer >= 500:
        return Outcome("site_error", f"The site answered {answer}.", evidence=(f"answer {answer}",))
    if answer == 429:
        return rate_limited(stage)
    if answer == 423:
        return Outcome("locked", "The site says that the account is locked.", evidence=("answer 423",))
    return in_words(stage.told(reading))


def in_words(told: frozenset[str]) -> Outcome | None:
    """The same from what the page says."""
    if "locked" in told:
        return Outcome("locked", "The site says that the account is locked.", evidence=("words: locked",))
    if "rate_limited" in told:
        evidence = ("words: rate_limited",)
        return Outcome("rate_limited", "The site says that there were too many attempts.", evidence=evidence)
    return None


def rate_limited(stage: Stage) -> Outcome:
    """The answer was 429."""
    after = retry_after_seconds(stage.network.retry_after)
    when = "" if after is None else f" Try again in {after:.0f} s."
    reason = f"The site answered 429: too many attempts.{when}"
    return Outcome("rate_limited", reason, retry_after_s=after, evidence=("answer 429",))
