"""What a program asks for happens once, if a person says yes, and only that."""

import asyncio

import pytest

from seezar.access.confirmations import MOST_PENDING, Confirmations, digest_of
from seezar.access.errors import ConfirmationInvalid, ConfirmationRequired
from seezar.access.scopes import Caller, Scope
from seezar.audit import Audit
from seezar.database import Database
from seezar.errors import InvalidInput
from seezar.vault import Cipher

_DIGEST = digest_of(b"DELETE", b"/v1/accounts/ops", b"")
_PROGRAM = Caller("client-1", "program", frozenset({Scope.ACCOUNTS_WRITE}), "t1")
_OTHER = Caller("client-2", "other", frozenset({Scope.ACCOUNTS_WRITE}), "t2")
_PERSON = Caller("client-3", "person", frozenset({Scope.CONFIRM}), "t3")


@pytest.fixture
def confirmations(database: Database, cipher: Cipher) -> Confirmations:
    return Confirmations(database, Audit(database, cipher))


async def _asked(confirmations: Confirmations, caller: Caller = _PROGRAM, digest: str = _DIGEST) -> str:
    with pytest.raises(ConfirmationRequired) as raised:
        await confirmations.ensure("remove the account", "ops", digest, caller, None)
    return raised.value.confirmation_id


async def test_a_program_waits_for_a_person_and_a_person_for_nobody(confirmations: Confirmations) -> None:
    await confirmations.ensure("remove the account", "ops", _DIGEST, _PERSON, None)
    asked = await _asked(confirmations)
    assert await _asked(confirmations) == asked
    with pytest.raises(ConfirmationInvalid):
        await confirmations.ensure("remove the account", "ops", _DIGEST, _PROGRAM, asked)
    decided = await confirmations.decide(asked, True, by="local:me")
    assert (decided.status, decided.decided_by) == ("confirmed", "local:me")
    await confirmations.ensure("remove the account", "ops", _DIGEST, _PROGRAM, asked)
    # Once.
    with pytest.raises(ConfirmationInvalid):
        await confirmations.ensure("remove the account", "ops", _DIGEST, _PROGRAM, asked)
    assert (await confirmations.get(asked)).status == "used"


async def test_no_is_no(confirmations: Confirmations) -> None:
    asked = await _asked(confirmations)
    await confirmations.decide(asked, False, by="local:me")
    with pytest.raises(ConfirmationInvalid):
        await confirmations.use(asked, "remove the account", _DIGEST, _PROGRAM)
    with pytest.raises(ConfirmationInvalid):
        await confirmations.decide(asked, True, by="local:me")


async def test_it_holds_for_that_request_of_that_program_alone(confirmations: Confirmations) -> None:
    asked = await _asked(confirmations)
    await confirmations.decide(asked, True, by="local:me")
    other = digest_of(b"DELETE", b"/v1/accounts/admin", b"")
    for digest, action, caller in (
        (other, "remove the account", _PROGRAM),
        (_DIGEST, "export the session", _PROGRAM),
        (_DIGEST, "remove the account", _OTHER),
    ):
        with pytest.raises(ConfirmationInvalid):
            await confirmations.use(asked, action, digest, caller)
    with pytest.raises(ConfirmationInvalid):
        await confirmations.use("confirm-nothing", "remove the account", _DIGEST, _PROGRAM)
    await confirmations.use(asked, "remove the account", _DIGEST, _PROGRAM)


async def test_of_two_uses_at_once_one_counts(confirmations: Confirmations) -> None:
    asked = await _asked(confirmations)
    await confirmations.decide(asked, True, by="local:me")
    uses = await asyncio.gather(
        *(confirmations.use(asked, "remove the account", _DIGEST, _PROGRAM) for _ in range(4)), return_exceptions=True
    )
    assert [use for use in uses if use is None] == [None]


async def test_it_is_good_for_a_while(confirmations: Confirmations, database: Database) -> None:
    asked = await _asked(confirmations)
    await confirmations.decide(asked, True, by="local:me")
    await database.run("UPDATE app.confirmation SET expires_at = now() - interval '1 second'")
    assert (await confirmations.get(asked)).status == "expired"
    with pytest.raises(ConfirmationInvalid):
        await confirmations.use(asked, "remove the account", _DIGEST, _PROGRAM)
    assert await _asked(confirmations) != asked


async def test_questions_do_not_pile_up(confirmations: Confirmations) -> None:
    for number in range(MOST_PENDING):
        await _asked(confirmations, digest=digest_of(str(number).encode()))
    with pytest.raises(InvalidInput):
        await confirmations.ensure("remove the account", "ops", digest_of(b"more"), _PROGRAM, None)
    await _asked(confirmations, caller=_OTHER)
    assert len(await confirmations.list(pending=True)) == MOST_PENDING + 1


def test_parts_cannot_be_shifted() -> None:
    assert digest_of(b"ab", b"c") != digest_of(b"a", b"bc")
