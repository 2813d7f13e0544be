"""What became of a person's answer."""

from seezar.accounts.questions import Answer
from seezar.signin.outcome import Outcome


def after_answer(answer: Answer, outcome: Outcome, *, again: bool) -> Outcome:
    """What an outcome after a person's answer means: once more, from the start, or what it says."""
    if answer.question == "code" and outcome.status == "bad_code" and again:
        return Outcome("needs_person", "The site refused the code.", question="code")
    if outcome.question is None or outcome.question != answer.question:
        return outcome
    if not again:
        # Asked as often as it may be: neither of the person nor, by a new beginning, of the site.
        return Outcome(outcome.status, outcome.reason, evidence=outcome.evidence)
    if answer.question == "approval":
        return Outcome(outcome.status, "The site still waits for the approval.", question="approval")
    if answer.question in ("captcha", "passkey"):
        return Outcome("challenge_lost", "The page asks the same again.")
    return outcome
