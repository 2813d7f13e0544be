"""What a failed request to a model says about the deployment, and for how long nobody should ask it again."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from seezar.models import litellm_import
from seezar.retry_after import retry_after_seconds

# A refused key, or a model that is gone, is mended by a person.
_UNTIL_MENDED_S = 3600.0
# Longer than this nobody waits on the word of a provider alone: it is asked again to see.
_LONGEST_S = 86_400.0
# A deployment that fails again and again is tried less and less often.
_MOST_DOUBLINGS = 4


class Kind(StrEnum):
    """What went wrong, in the words that people are shown."""

    RATE_LIMITED = "rate_limited"
    KEY_REFUSED = "key_refused"
    UNPAID = "unpaid"
    UNKNOWN_MODEL = "unknown_model"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    BROKEN = "broken"
    CUT = "cut"
    TOO_LONG = "too_long"
    REFUSED_CONTENT = "refused_content"
    REFUSED_REQUEST = "refused_request"


# The request is at fault, or this model cannot take it: nothing that another request would meet as well.
_OF_THE_REQUEST = frozenset({Kind.TOO_LONG, Kind.REFUSED_CONTENT, Kind.REFUSED_REQUEST})
_FOR_A_PERSON = frozenset({Kind.KEY_REFUSED, Kind.UNPAID, Kind.UNKNOWN_MODEL})


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed request.

    Attributes:
        kind: what went wrong.
        retry_after: seconds that the provider asks to wait; None when it does not say.
    """

    kind: Kind
    retry_after: float | None = None

    @property
    def of_the_request(self) -> bool:
        """Whether the deployment is as good as before for any other request."""
        return self.kind in _OF_THE_REQUEST

    def rest(self, times: int, *, cooldown: float) -> float:
        """Seconds for which the deployment is left alone.

        Args:
            times: how often it has failed one after the other, this one included.
            cooldown: seconds after a first failure.
        """
        if self.of_the_request:
            return 0.0
        if self.kind in _FOR_A_PERSON:
            return _UNTIL_MENDED_S
        doubled = cooldown * 2 ** min(times - 1, _MOST_DOUBLINGS)
        return min(max(doubled, self.retry_after or 0.0), _LONGEST_S)


def failure_of(error: BaseException) -> Failure | None:
    """What an exception of LiteLLM says; None when it is no failure of a request."""
    errors = litellm_import.load().exceptions
    # The order matters: LiteLLM derives the narrower ones from the wider ones.
    kinds: tuple[tuple[Any, Kind], ...] = (
        (TimeoutError, Kind.NO_ANSWER),
        (errors.Timeout, Kind.NO_ANSWER),
        (errors.MidStreamFallbackError, Kind.CUT),
        (errors.RateLimitError, Kind.RATE_LIMITED),
        (errors.AuthenticationError, Kind.KEY_REFUSED),
        (errors.PermissionDeniedError, Kind.KEY_REFUSED),
        (errors.PaymentRequiredError, Kind.UNPAID),
        (errors.NotFoundError, Kind.UNKNOWN_MODEL),
        (errors.ContextWindowExceededError, Kind.TOO_LONG),
        (errors.ContentPolicyViolationError, Kind.REFUSED_CONTENT),
        (errors.BadRequestError, Kind.REFUSED_REQUEST),
        (errors.UnprocessableEntityError, Kind.REFUSED_REQUEST),
        (errors.APIConnectionError, Kind.UNREACHABLE),
        (errors.APIResponseValidationError, Kind.BROKEN),
        (errors.APIError, Kind.BROKEN),
        (errors.openai.APIError, Kind.BROKEN),
    )
    for error_type, kind in kinds:
        if isinstance(error, error_type):
            return Failure(kind, _retry_after(error))
    return None


def _retry_after(error: BaseException) -> float | None:
    for headers in (
        getattr(error, "litellm_response_headers", None),
        getattr(getattr(error, "response", None), "headers", None),
    ):
        if headers and (seconds := retry_after_seconds(headers.get("retry-after"))) is not None:
            return seconds
    return None
