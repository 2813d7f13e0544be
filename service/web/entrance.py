"""The page where one signs in to ADK Web."""

from html import escape

from service.web.page import LOGO

PATH = "/seezar/sign-in"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in · seezar</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" type="image/svg+xml" href="{logo}">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0 1rem; }}
form {{ display: grid; gap: .8rem; width: min(22rem, 100%); }} img {{ width: 48px; height: 48px; }}
label {{ display: grid; gap: .2rem; }} input, button {{ font: inherit; padding: .5rem .7rem; border-radius: 6px; }}
input {{ border: 1px solid #8888; }} button {{ border: 0; background: #1f6f54; color: #fff; cursor: pointer; }}
.wrong {{ color: #c62828; }} small {{ opacity: .75; }}
</style></head><body>
<form method="post" action="{action}">
<img src="{logo}" alt=""><h1>seezar</h1>
{problem}
<label>Client<input name="client_id" autocomplete="username" required autofocus maxlength="80"></label>
<label>Secret
<input name="client_secret" type="password" autocomplete="current-password" maxlength="200" required></label>
<button>Sign in</button>
<small>A client with the scope “chat”: seezar client add NAME --scope chat</small>
</form></body></html>"""


def page(wanted: str, problem: str = "") -> str:
    """The page.

    Args:
        wanted: the path to go to afterwards; escaped already.
        problem: why it did not work.
    """
    from urllib.parse import quote

    told = f'<p class="wrong" role="alert">{escape(problem)}</p>' if problem else ""
    return _PAGE.format(logo=LOGO, action=escape(f"{PATH}?next={quote(wanted, safe='')}"), problem=told)
