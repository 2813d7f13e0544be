"""What a test may turn. The defaults are how an ordinary site behaves."""

from dataclasses import dataclass


@dataclass(slots=True)
class Knobs:
    """Behaviour of all sites of one playground; may be changed while it runs. Times are seconds.

    Attributes:
        page_delay: every page waits this long before it answers.
        mail_delay: a code's mail leaves this long after the page has answered; 0 sends it before the answer.
        mail_lost: codes are made and never mailed.
        mail_twice: every mail is delivered twice, with the same Message-ID.
        code_in_subject: the subject of a mail holds the code too, as many sites do.
        code_lifetime: how long a mailed code is good.
        code_length: digits of a mailed code.
        max_sends: mails of one sign-in, the first included; more are answered with 429.
        max_failures: wrong passwords (and, apart, wrong codes) of one user within `failure_window` before 429.
        failure_window: how long a failure counts.
        lock_after: wrong passwords of one user, ever, before the account is locked (423); None never locks.
        refuse_totp_reuse: a TOTP code is good once only, as RFC 6238 section 5.2 asks; many sites do not care.
        totp_period: seconds that a TOTP code is good.
        session_lifetime: of a signed-in session.
        remembered_lifetime: of a signed-in session whose user ticked "Keep me signed in".
        cookie_lifetime: of the cookie of who is signed in to a journey's site, from the sign-in on; None: it says
            nothing of an end. With one, every cookie of a signed-in session says when that ends, remembered or not.
    """

    page_delay: float = 0.0
    mail_delay: float = 0.0
    mail_lost: bool = False
    mail_twice: bool = False
    code_in_subject: bool = False
    code_lifetime: float = 600.0
    code_length: int = 6
    max_sends: int = 5
    max_failures: int = 5
    failure_window: float = 60.0
    lock_after: int | None = None
    refuse_totp_reuse: bool = False
    totp_period: int = 30
    session_lifetime: float = 12 * 3600.0
    remembered_lifetime: float = 30 * 24 * 3600.0
    cookie_lifetime: float | None = None
