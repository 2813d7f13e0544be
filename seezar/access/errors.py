"""What can be wrong with a client, a token or a confirmation."""

from seezar.errors import SeezarError


class TokenInvalid(SeezarError):
    """No token that counts: malformed, expired, revoked, of another audience, or signed by a key that is not ours."""

    status = "invalid_token"

    def __init__(self, what: str = "The token is not valid.") -> None:
        super().__init__(
            what, kept="Nothing was done.", next_step="Get a new one: POST /v1/token, or seezar token new."
        )


class ScopeMissing(SeezarError):
    """The token may not be used for this."""

    status = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"This needs a token with the scope {scope}.",
            kept="Nothing was done.",
            next_step="Ask whoever made the client for that scope (seezar client scopes).",
        )
        self.scope = scope


class ClientUnknown(SeezarError):
    """No client of this id or name."""

    status = "unknown_client"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no client {name[:80]!r}.", next_step="See: seezar client list.")


class ClientExists(SeezarError):
    """The name of a client is taken."""

    status = "client_exists"


class InvalidClient(SeezarError):
    """The client is not known, is disabled, or its secret is another one: which of them is not told."""

    status = "invalid_client"

    def __init__(self) -> None:
        super().__init__(
            "Client id and secret do not belong together.",
            kept="No token was issued.",
            next_step="See seezar client list; a lost secret is replaced with seezar client rotate-secret NAME.",
        )


class TooManyAttempts(SeezarError):
    """More log-ins than can be checked at the same time."""

    status = "too_many_attempts"
    retryable = True


class ConfirmationRequired(SeezarError):
    """A person has to confirm this first."""

    status = "confirmation_required"

    def __init__(self, confirmation_id: str, action: str) -> None:
        super().__init__(
            f"A person has to confirm this first: {action}.",
            kept="Nothing was done.",
            next_step=f"Confirm it: seezar confirm yes {confirmation_id}, or POST /v1/confirmations/{confirmation_id}"
            f" with the scope confirm. Then repeat the request with the header Confirmation: {confirmation_id}.",
        )
        self.confirmation_id = confirmation_id


class ConfirmationInvalid(SeezarError):
    """A confirmation that is not there, was not given, has been used or is too old, or was given for something else."""

    status = "confirmation_invalid"
