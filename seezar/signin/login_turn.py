"""The turn of a form that asks for the name or the password."""

from collections.abc import Collection

from seezar.signin.filling import tick, type_code
from seezar.signin.flow import Flow
from seezar.signin.outcome import Outcome
from seezar.signin.policy import sure
from seezar.signin.reading import Reading
from seezar.signin.refusals import refusal
from seezar.signin.sending import checked_boxes, enter_sends, fill_and_send, type_checked
from seezar.signin.stage import Role, lost

_SILENT = Outcome("unknown", "The form stands as it was sent, and the site says nothing about it.")


async def login_turn(flow: Flow, reading: Reading) -> Outcome | None:
    """Fill and send the form, or say what it means that it stands again. None: look again."""
    progress = flow.progress
    if progress.password_submitted or (progress.username_entered and reading.kind == "username"):
        return await _stands_again(flow, reading)
    return await _enter(flow, reading)


async def _stands_again(flow: Flow, reading: Reading) -> Outcome | None:
    again = await flow.stage.settled(reading)
    if again.kind != reading.kind or len(again.otp) != len(reading.otp):
        return None
    if refused := refusal(flow.stage, again):
        return refused
    network = flow.stage.network
    if flow.progress.codes_entered or flow.progress.links_opened:
        return Outcome("challenge_lost", "After the code or the link the site asked to sign in again.")
    if flow.progress.password_submitted and not flow.submitted_here:
        return Outcome("challenge_lost", "The site begins with the password again.")
    if not (flow.sent or network.reacted or network.sent_frames or network.sent_elsewhere):
        filled: tuple[Role, ...] = ("password",) if again.password is not None else ("username",)
        if await lost(again, again, filled) and flow.may("type again", 1):
            return await _enter(flow, again)
        return Outcome("unknown", "The form stands again, and nothing was sent to the site.")
    sign = await flow.stage.refused(again)
    # The page may have gone on from the form while it was looked at; what came then is no answer to be read here.
    if sign and (await flow.stage.read()).kind != (again.seen or again).kind:
        return None
    if flow.progress.password_submitted:
        return _refused("The site refused the user name or the password.", sign)
    # Some pages say it for a moment only, and leave the form as it is.
    taken = not network.document_status and network.sent_statuses and max(network.sent_statuses) < 400
    if flow.account.second_factor == "link" and flow.sent and (again.code_sent or taken):
        return Outcome("challenge_link", "The site sent a link by mail.")
    return _refused("The site does not accept the user name.", sign)


def _refused(reason: str, sign: str) -> Outcome:
    return Outcome("bad_credentials", reason, evidence=(sign,)) if sign else _SILENT


async def _enter(flow: Flow, reading: Reading) -> Outcome | None:
    if not sure(reading):
        return Outcome(
            "needs_person", f"It is not certain that this is the sign-in form ({reading.confidence:.0%} sure)."
        )
    field = reading.password or reading.username
    if reading.submit is None and not await enter_sends(reading, field):
        return Outcome("needs_person", "The form has no button that is sure to be the one that sends it.")
    progress, account = flow.progress, flow.account
    # Some forms have the box for the code beside the password from the start.
    with_code = bool(reading.otp) and reading.password is not None and account.second_factor == "totp"
    code = ""

    async def user_name(_origin: str) -> str:
        return account.username

    async def fill() -> Collection[Role]:
        nonlocal code
        filled: list[Role] = []
        # A remembered user name stands in a field that cannot be changed; the site knows it already.
        if reading.username is not None and await reading.username.is_editable(timeout=2_000):
            await type_checked(flow, reading.username, reading.submit, user_name, what="user name")
            filled.append("username")
        if reading.remember is not None:
            await tick(reading.remember)
        if reading.password is not None:
            await type_checked(flow, reading.password, reading.submit, flow.credentials.password, what="password")
            filled.append("password")
        if with_code:
            boxes, origins = await checked_boxes(flow, reading)
            code = code or await flow.credentials.totp(min(origins), clock_skew=flow.stage.network.clock_skew)
            await type_code(boxes, code)
            filled.append("otp")
        return filled

    async def ready() -> None:
        if reading.password is None:
            await flow.tell(reading, "username", "Entering the user name")
            progress.username_entered = True
            return
        if flow.before_submit is not None and not flow.submitted_here:
            await flow.before_submit()
        await flow.tell(reading, "password", f"Submitting user name and password to {reading.origin}")
        progress.password_submitted = flow.submitted_here = True
        flow.code_with_password = with_code
        flow.code_box_stood = bool(reading.otp)

    flow.sent = False
    return await fill_and_send(flow, reading, fill, field, ready=ready)
