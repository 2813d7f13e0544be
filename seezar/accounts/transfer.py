"""Accounts as a file, encrypted with a passphrase: to keep, or to bring to another seezar.

The file is age v1 with a scrypt recipient (https://age-encryption.org/v1), so that `age --decrypt` opens it too. In it
is JSON: `{"kind", "format", "taken_at", "accounts": [...], "sessions": {account: state}}`.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import pyrage  # pyright: ignore[reportMissingTypeStubs]
from psycopg.errors import UniqueViolation
from pydantic import TypeAdapter

from seezar.accounts.accounts import Accounts
from seezar.accounts.records import Account, NewAccount, SessionState
from seezar.accounts.sessions import Sessions
from seezar.audit import Audit
from seezar.database import Database
from seezar.errors import AccountExists, AccountUnknown, InvalidInput, PassphraseWrong, SeezarError, TransferUnusable
from seezar.vault import Vault
from seezar.vault.secrets import Stored

# It comes without types.
_AGE: Any = pyrage
_KIND = "seezar-accounts"
# Raised when older versions could not read the file any more.
_FORMAT = 1
_BEGINNING = b"age-encryption.org/v1\n-> scrypt "
# What pyrage says when the passphrase does not open the file key; all else is damage.
_WRONG = "Decryption failed"
_UNCHANGED = "Nothing was changed."
# A file holds all passwords, and whoever has it may guess for years.
SHORTEST_PASSPHRASE = 12
_FEWEST_SIGNS = 6


@dataclass(frozen=True)
class Bundle:
    """What a file holds."""

    taken_at: datetime
    accounts: tuple[NewAccount, ...] = field(repr=False)
    sessions: dict[str, SessionState] = field(repr=False)


@dataclass(frozen=True)
class Imported:
    """What an import did, or would do: names of accounts."""

    added: tuple[str, ...]
    replaced: tuple[str, ...]
    left: tuple[str, ...]
    sessions: tuple[str, ...]


class Transfer:
    """Writes accounts into files, and brings them in."""

    def __init__(self, database: Database, vault: Vault, accounts: Accounts, sessions: Sessions, audit: Audit) -> None:
        self._database = database
        self._vault = vault
        self._accounts = accounts
        self._sessions = sessions
        self._audit = audit

    async def collect(self, names: Collection[str] = (), *, sessions: bool = False) -> Bundle:
        """The accounts of `names`, or all, with their secrets; what is kept elsewhere stays there.

        Args:
            sessions: their stored sessions too.

        Raises:
            AccountUnknown: one of the names is none.
            KeyUnusable: something does not open.
        """
        known = await self._accounts.list()
        for name in names:
            if name not in [account.name for account in known]:
                raise AccountUnknown(name, [account.name for account in known])
        chosen = [account for account in known if not names or account.name in names]
        signed_in = {info.account for info in await self._sessions.list()} if sessions else set[str]()
        states = {a.name: await self._sessions.load(a.name) for a in chosen if a.name in signed_in}
        taken = tuple([await self._taken(account) for account in chosen])
        await self._audit.note("vault.export", None, accounts=[a.name for a in taken], sessions=sorted(states))
        return Bundle(datetime.now(UTC), taken, states)

    async def bring_in(self, bundle: Bundle, *, replace: bool, dry_run: bool = False) -> Imported:
        """Store the accounts of a bundle, all or none. Those whose name is taken are left as they are.

        Args:
            replace: remove those first, with their sessions.
            dry_run: only look whether it would do.

        Raises:
            InvalidInput, AccountExists: an account cannot be stored; nothing was.
        """
        done: Imported | None = None
        known = await self._known(bundle)
        try:
            async with self._database.connection() as connection:
                added: list[str] = []
                told: list[tuple[str, str, dict[str, Any]]] = []
                # By name, so that two imports at once lock in the same order.
                for new in sorted(bundle.accounts, key=lambda account: account.name):
                    if new.name in known and not (replace and await self._accounts.delete(connection, new.name)):
                        continue
                    added.append(new.name)
                    told.append(("account.add", new.name, await self._accounts.insert(connection, new)))
                stored = [name for name in added if name in bundle.sessions]
                run_id = f"import-{uuid4()}"
                for name in stored:
                    await self._sessions.put(connection, name, bundle.sessions[name], run_id=run_id)
                    told.append(("session.store", name, {"run": run_id}))
                # The lock of the audit log comes last.
                for action, subject, detail in told:
                    await self._audit.append(connection, action, subject, **detail)
                done = Imported(
                    tuple(name for name in added if name not in known),
                    tuple(name for name in added if name in known),
                    tuple(name for name in sorted(known) if name not in added),
                    tuple(stored),
                )
                await self._audit.append(connection, "vault.import", None, **asdict(done))
                if dry_run:
                    raise _OnlyLooked
        except _OnlyLooked:
            pass
        except UniqueViolation:
            raise AccountExists(
                "Somebody has added one of the accounts at this moment.", kept=_UNCHANGED, next_step="Import again."
            ) from None
        assert done is not None
        return done

    async def _known(self, bundle: Bundle) -> set[str]:
        names = {account.name for account in bundle.accounts}
        return names & {account.name for account in await self._accounts.list()}

    async def _taken(self, account: Account) -> NewAccount:
        nothing = Stored(None, None)
        password = await self._vault.stored(account.password_ref) if account.password_ref else nothing
        totp = await self._vault.stored(account.totp_ref) if account.totp_ref else nothing
        return NewAccount(
            name=account.name,
            url=account.start_url,
            username=account.username,
            password=password.value,
            totp=totp.value,
            mailbox=account.mailbox,
            verify_url=account.verify_url,
            origins=account.origins,
            second_factor=account.second_factor,
            keep_alive_s=account.keep_alive_s,
            hosts=account.hosts,
            password_source=password.source,
            totp_source=totp.source,
        )


class _OnlyLooked(Exception):
    """Rolls a transaction back that was not meant."""


def check_passphrase(text: str) -> None:
    """Make sure that a passphrase is worth encrypting with.

    Raises:
        InvalidInput: it is too short, or hardly more than one sign repeated.
    """
    if len(text) < SHORTEST_PASSPHRASE or len(set(text)) < _FEWEST_SIGNS:
        raise InvalidInput(
            f"The passphrase is too weak: it must have {SHORTEST_PASSPHRASE} characters, and {_FEWEST_SIGNS} different "
            "ones.",
            kept="Nothing was written.",
            next_step="Take some words that nobody would put together; a password manager makes them.",
        )


def seal(bundle: Bundle, secret: str) -> bytes:
    """The file of a bundle.

    Raises:
        InvalidInput: the passphrase is too weak.
    """
    check_passphrase(secret)
    content = {
        "kind": _KIND,
        "format": _FORMAT,
        "taken_at": bundle.taken_at.isoformat(),
        "accounts": [asdict(account) for account in bundle.accounts],
        "sessions": {name: json.loads(state.to_json()) for name, state in bundle.sessions.items()},
    }
    return _AGE.passphrase.encrypt(json.dumps(content).encode(), secret)


def unseal(blob: bytes, secret: str) -> Bundle:
    """The bundle of a file.

    Raises:
        PassphraseWrong: it is not the one.
        TransferUnusable: the file is something else, damaged or cut off, or of a newer version.
    """
    if not blob.startswith(_BEGINNING):
        raise TransferUnusable(
            "That is no file of seezar vault export.", kept=_UNCHANGED, next_step="Take the file that it wrote."
        )
    try:
        content: Any = json.loads(_AGE.passphrase.decrypt(blob, secret))
    except _AGE.DecryptError as error:
        if str(error) == _WRONG:
            raise PassphraseWrong(
                "The passphrase is not the one of this file.", kept=_UNCHANGED, next_step="Enter it again."
            ) from None
        raise _damaged() from None
    except ValueError:
        raise _foreign() from None
    return _bundle(content)


def _bundle(content: Any) -> Bundle:
    if not isinstance(content, dict) or cast("dict[str, Any]", content).get("kind") != _KIND:
        raise _foreign()
    said = cast("dict[str, Any]", content)
    if said.get("format") != _FORMAT:
        raise TransferUnusable(
            f"The file has the format {said.get('format')}, and this seezar reads {_FORMAT}.",
            kept=_UNCHANGED,
            next_step="Import it with the version of seezar that wrote it, or a newer one.",
        )
    try:
        accounts = tuple(_account(entry) for entry in cast("Sequence[dict[str, Any]]", said["accounts"]))
        states = cast("dict[str, Any]", said["sessions"]).items()
        sessions = {name: SessionState.from_json(json.dumps(state)) for name, state in states}
        return Bundle(datetime.fromisoformat(said["taken_at"]), accounts, sessions)
    except (KeyError, TypeError, ValueError, AttributeError):
        # What pydantic says quotes values.
        raise _damaged() from None


def _account(entry: dict[str, Any]) -> NewAccount:
    if set(entry) != {known.name for known in fields(NewAccount)}:
        raise ValueError("not an account")
    return TypeAdapter(NewAccount).validate_python(entry)


def _damaged() -> SeezarError:
    return TransferUnusable(
        "The file is damaged, or not all of it is there.", kept=_UNCHANGED, next_step="Take another copy of it."
    )


def _foreign() -> SeezarError:
    return TransferUnusable(
        "The file was encrypted by something else than seezar vault export.",
        kept=_UNCHANGED,
        next_step="Take a file that it wrote.",
    )
