"""The webhooks that are registered. Where they lead is checked when they are stored, and again when they are used."""

import base64
import secrets
from collections.abc import Sequence
from datetime import timedelta

from seezar.audit import Audit, actor
from seezar.database import Database
from seezar.domains import ip_address
from seezar.egress.hosts import PrivateHosts
from seezar.egress.public import PublicGate, destination_of
from seezar.egress.resolving import Resolve, SystemResolver
from seezar.errors import InvalidInput
from seezar.vault import Cipher
from seezar.vault.columns import WEBHOOK_PREVIOUS_SECRET, WEBHOOK_SECRET
from seezar.webhooks.records import EVENTS, PING, NewWebhook, Webhook, WithSecret, unknown

_LONGEST_URL = 2000
_LONGEST_DESCRIPTION = 200
_MOST = 100
# Standard Webhooks, "Signature scheme": 24 to 64 random bytes, in base64, after this prefix.
_PREFIX = "whsec_"
_SECRET_BYTES = 32
# Receivers that have not heard of a new secret go on with the one before for so long.
BOTH_SECRETS = timedelta(hours=24)


class Webhooks:
    """The webhooks in `app.webhook`.

    Args:
        private_hosts: addresses inside that may be told (`Settings.private_host_list`); they may be http.
        resolve: asks for the addresses of a name; the system's by default.
    """

    def __init__(
        self,
        database: Database,
        cipher: Cipher,
        audit: Audit,
        *,
        private_hosts: Sequence[str] = (),
        resolve: Resolve | None = None,
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._audit = audit
        self._private = PrivateHosts.parse(private_hosts)
        self._resolve = resolve or SystemResolver()

    async def add(self, new: NewWebhook) -> WithSecret:
        """Register a webhook.

        Raises:
            InvalidInput: it is no https address, an event is unknown, or there are too many.
            EgressRefused, HostUnreachable: the address leads inside, or nowhere.
        """
        events = _checked(new.events or EVENTS)
        _check_description(new.description)
        await self._check_url(new.url)
        webhook_id, secret = f"wh_{secrets.token_hex(8)}", _new_secret()
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "INSERT INTO app.webhook (id, url, events, description, made_by, secret)"
                " SELECT %s, %s, %s, %s, %s, %s WHERE (SELECT count(*) FROM app.webhook) < %s RETURNING *",
                (
                    webhook_id,
                    new.url,
                    list(events),
                    new.description,
                    actor(),
                    self._cipher.encrypt(secret.encode(), context=WEBHOOK_SECRET.context(webhook_id)),
                    _MOST,
                ),
            )
            row = await cursor.fetchone()
            if row is None:
                raise InvalidInput(
                    f"There are {_MOST} webhooks already.",
                    kept="Nothing was changed.",
                    next_step="Remove one that is not needed.",
                )
            await self._audit.append(connection, "webhook.add", webhook_id, events=list(events))
        return WithSecret(Webhook.of(row), secret)

    async def list(self) -> list[Webhook]:
        """All webhooks, the oldest first."""
        rows = await self._database.all("SELECT * FROM app.webhook ORDER BY created_at, id")
        return [Webhook.of(row) for row in rows]

    async def get(self, webhook_id: str) -> Webhook:
        """A webhook.

        Raises:
            WebhookUnknown: there is none of this id.
        """
        row = await self._database.one("SELECT * FROM app.webhook WHERE id = %s", webhook_id)
        if row is None:
            raise unknown(webhook_id)
        return Webhook.of(row)

    async def change(
        self,
        webhook_id: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        description: str | None = None,
        enabled: bool | None = None,
    ) -> Webhook:
        """Change a webhook, all of it or nothing; None leaves a part as it is. What waits is sent to the new address.

        Raises:
            WebhookUnknown: there is none of this id.
            InvalidInput, EgressRefused, HostUnreachable: as `add`.
        """
        wanted = None if events is None else list(_checked(events))
        if description is not None:
            _check_description(description)
        await self.get(webhook_id)
        if url is not None:
            await self._check_url(url)
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "UPDATE app.webhook SET url = coalesce(%s, url), events = coalesce(%s, events),"
                " description = coalesce(%s, description), enabled = coalesce(%s, enabled),"
                " problem = CASE WHEN %s::boolean THEN '' ELSE problem END WHERE id = %s RETURNING *",
                (url, wanted, description, enabled, enabled, webhook_id),
            )
            row = await cursor.fetchone()
            if row is None:
                raise unknown(webhook_id)
            parts = {"url": url, "events": events, "description": description, "enabled": enabled}
            changed = [name for name, value in parts.items() if value is not None]
            await self._audit.append(connection, "webhook.change", webhook_id, changed=changed)
        return Webhook.of(row)

    async def rotate(self, webhook_id: str) -> WithSecret:
        """Give a webhook a new secret. For a day, what it is sent is signed with the one before, too.

        Raises:
            WebhookUnknown: there is none of this id.
        """
        secret = _new_secret()
        async with self._database.connection() as connection:
            cursor = await connection.execute("SELECT secret FROM app.webhook WHERE id = %s FOR UPDATE", (webhook_id,))
            row = await cursor.fetchone()
            if row is None:
                raise unknown(webhook_id)
            before = self._cipher.decrypt(bytes(row["secret"]), context=WEBHOOK_SECRET.context(webhook_id))
            cursor = await connection.execute(
                "UPDATE app.webhook SET secret = %s, previous_secret = %s, previous_until = now() + %s"
                " WHERE id = %s RETURNING *",
                (
                    self._cipher.encrypt(secret.encode(), context=WEBHOOK_SECRET.context(webhook_id)),
                    self._cipher.encrypt(before, context=WEBHOOK_PREVIOUS_SECRET.context(webhook_id)),
                    BOTH_SECRETS,
                    webhook_id,
                ),
            )
            changed = await cursor.fetchone()
            assert changed is not None
            await self._audit.append(connection, "webhook.rotate", webhook_id)
        return WithSecret(Webhook.of(changed), secret)

    async def remove(self, webhook_id: str) -> None:
        """Forget a webhook with all that waits for it.

        Raises:
            WebhookUnknown: there is none of this id.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute("DELETE FROM app.webhook WHERE id = %s", (webhook_id,))
            if not cursor.rowcount:
                raise unknown(webhook_id)
            await self._audit.append(connection, "webhook.remove", webhook_id)

    async def ping(self, webhook_id: str) -> str:
        """Have a `ping` sent to a webhook, as a test; returns the id of its delivery.

        Raises:
            WebhookUnknown: there is none of this id.
            InvalidInput: it is disabled.
        """
        if not (await self.get(webhook_id)).enabled:
            raise InvalidInput("The webhook is disabled.", kept="Nothing was sent.", next_step="Enable it first.")
        row = await self._database.one(
            "INSERT INTO app.webhook_delivery (webhook, event, data) SELECT id, %s, '{}' FROM app.webhook"
            " WHERE id = %s RETURNING id",
            PING,
            webhook_id,
        )
        if row is None:
            raise unknown(webhook_id)
        return str(row["id"])

    async def _check_url(self, url: str) -> None:
        if len(url) > _LONGEST_URL:
            raise InvalidInput(f"The address is longer than {_LONGEST_URL} signs.", kept="Nothing was changed.")
        where = destination_of(url)
        addresses = await PublicGate(self._private).route(where, self._resolve)
        found = [ip_address(address) for address in addresses]
        inside = self._private.names_host(where.host) or all(a is not None and self._private.holds(a) for a in found)
        if not url.lower().startswith("https:") and not inside:
            raise InvalidInput(
                "What is told must not travel in clear.",
                kept="Nothing was changed.",
                next_step="Give an https address. http is for hosts named in SEEZAR_PRIVATE_HOSTS.",
            )


def _checked(events: Sequence[str]) -> tuple[str, ...]:
    strange = sorted(set(events) - set(EVENTS))
    if strange or not events:
        what = f"There is no event {strange[0][:60]!r}." if strange else "No event was given."
        raise InvalidInput(what, kept="Nothing was changed.", next_step=f"Events: {', '.join(EVENTS)}.")
    return tuple(event for event in EVENTS if event in events)


def _check_description(text: str) -> None:
    if len(text) > _LONGEST_DESCRIPTION:
        raise InvalidInput(
            f"The description is longer than {_LONGEST_DESCRIPTION} signs.",
            kept="Nothing was changed.",
            next_step="Say it shorter.",
        )


def _new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
