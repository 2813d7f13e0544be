"""Waking the runs that wait for mail."""

import asyncio
import logging

import psycopg
from dbos import DBOS

from seezar.application import Application
from seezar.errors import DatabaseUnavailable
from seezar.mail.listener import CHANNEL
from workflows.names import mail_topic

log = logging.getLogger("seezar.worker")

# Before listening again.
_PAUSE_S = 1.0


async def wake_waiting_runs(application: Application) -> None:
    """Tell runs that mail came for their account. Only a wake-up: what counts is what lies in the mailbox."""
    while True:
        try:
            async with application.database.listen(CHANNEL) as connection:
                async for notification in connection.notifies():
                    await _wake(application, notification.payload)
        except DatabaseUnavailable as error:
            log.warning("%s", error)
        except psycopg.Error as error:
            # Whatever broke the connection: runs look into the mailbox by themselves meanwhile.
            log.warning("listening for mail broke (%s)", type(error).__name__)
        await asyncio.sleep(_PAUSE_S)


async def _wake(application: Application, message_id: str) -> None:
    rows = await application.database.all(
        "SELECT r.workflow_id, max(t.number) AS attempt FROM app.message m JOIN app.account a ON a.mailbox = m.mailbox"
        " JOIN app.run r ON r.account = a.name AND r.finished_at IS NULL AND r.question IS NULL"
        " JOIN app.attempt t ON t.run_id = r.id WHERE m.id::text = %s GROUP BY r.workflow_id",
        message_id,
    )
    for row in rows:
        await DBOS.send_async(
            row["workflow_id"], message_id, topic=mail_topic(row["attempt"]), idempotency_key=f"mail-{message_id}"
        )
