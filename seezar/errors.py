"""The errors of seezar: one hierarchy, each with a status word, what happened, what was kept and what to do next."""

from typing import ClassVar


class SeezarError(Exception):
    """Base of every error that seezar raises on purpose.

    Args:
        what: one sentence on what happened. Never a secret.
        kept: what is safe in spite of it.
        next_step: what the reader can do.
    """

    status: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, what: str, *, kept: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.kept = kept
        self.next_step = next_step

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.kept, self.next_step) if part)

    def as_dict(self) -> dict[str, str]:
        """`{"status", "message"}`, the shape that tools and `--json` show."""
        return {"status": self.status, "message": str(self)}


class SettingsInvalid(SeezarError):
    """An environment variable holds a value that cannot be used."""

    status = "settings_invalid"

    def __init__(self, problems: str) -> None:
        super().__init__(
            f"The configuration cannot be used: {problems}.",
            kept="Nothing was started or changed.",
            next_step="Correct it (variables: .env.example, mail.toml: docs/mail.md) and try again.",
        )


class DatabaseUnavailable(SeezarError):
    """PostgreSQL cannot be started or reached."""

    status = "database_unavailable"
    retryable = True


class DatabaseTooNew(SeezarError):
    """The database was migrated by a newer seezar than this one."""

    status = "database_too_new"


class MigrationFailed(SeezarError):
    """The database refused a migration, which was rolled back as a whole."""

    status = "migration_failed"


class DatabaseFull(DatabaseUnavailable):
    """PostgreSQL has no room left to write to: what it has stands, nothing is added."""

    status = "disk_full"


class DiskFull(SeezarError):
    """A file cannot be written: the disk is full or read-only, or a quota is used up."""

    status = "disk_full"
    retryable = True


class KeyUnusable(SeezarError):
    """The master key is missing, damaged, or not the one that the data were encrypted with."""

    status = "key_unusable"


class TransferUnusable(SeezarError):
    """A file of accounts that cannot be read: it is another kind of file, damaged, or of another version."""

    status = "transfer_unusable"


class PassphraseWrong(TransferUnusable):
    """The passphrase is not the one that the file was encrypted with."""

    status = "passphrase_wrong"


class RotationUnfinished(SeezarError):
    """The master key is being exchanged, and that has not come to its end."""

    status = "rotation_unfinished"
    retryable = True


class SecretMissing(SeezarError):
    """No secret under this reference."""

    status = "secret_missing"


class BackendUnavailable(SeezarError):
    """The place where a secret is kept cannot be asked, or refuses."""

    status = "backend_unavailable"
    retryable = True


class OriginNotAllowed(SeezarError):
    """A secret or an account was asked for on an origin that is not registered for it."""

    status = "origin_not_allowed"


class InvalidInput(SeezarError):
    """An argument that cannot be what was meant."""

    status = "invalid_input"


class AccountUnknown(SeezarError):
    """No account of this name."""

    status = "unknown_account"

    def __init__(self, name: str, known: list[str]) -> None:
        names = ", ".join(sorted(known)[:20])
        super().__init__(
            f"There is no account named {name!r}.",
            next_step=f"Known accounts: {names}."
            if names
            else "Add one with: seezar account add NAME --url URL --username USER.",
        )


class AccountRemoved(AccountUnknown):
    """The account of a run was removed after the run had been asked for; another one may have its name now."""

    def __init__(self, name: str) -> None:
        SeezarError.__init__(
            self,
            f"The account {name!r} was removed after this run had been asked for.",
            kept="Nothing more was sent to its site. The run and its timeline are kept.",
            next_step="Add the account again (seezar account add) and ask for a new run.",
        )


class AccountExists(SeezarError):
    """The name is taken."""

    status = "account_exists"


class NotSignedIn(SeezarError):
    """The account has no session that still works."""

    status = "not_signed_in"


class RunUnknown(SeezarError):
    """No run with this id."""

    status = "unknown_run"


class PageUnknown(SeezarError):
    """No page with this id."""

    status = "unknown_page"


class NotWaiting(SeezarError):
    """An answer for a run that asks nothing."""

    status = "not_waiting"


class RunEnded(SeezarError):
    """A run that was ended (cancelled, replaced) while it was at work: it touches the site no more."""

    status = "run_ended"


class AnsweredAlready(SeezarError):
    """A second answer to the same question."""

    status = "answered_already"


class QuestionExpired(SeezarError):
    """An answer that came after nobody was waited for any longer."""

    status = "question_expired"


class QueueFull(SeezarError):
    """As many runs are queued as may be; a new one was refused."""

    status = "queue_full"
    retryable = True


class IdempotencyConflict(SeezarError):
    """The key of a request was used before, for another request."""

    status = "idempotency_conflict"


class WorkerUnavailable(SeezarError):
    """No worker runs and none could be started."""

    status = "worker_unavailable"
    retryable = True


class PortTaken(SeezarError):
    """Another program listens on the port."""

    status = "port_taken"


class BrowserMissing(SeezarError):
    """No Chromium or Chrome could be found or started."""

    status = "browser_missing"


class RunTimedOut(SeezarError):
    """The run is not finished yet; it goes on in the worker."""

    status = "timeout"
    retryable = True
