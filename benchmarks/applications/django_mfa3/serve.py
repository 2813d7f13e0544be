# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""django-mfa3 as its documentation sets it up, with the package's own pages on a plain base."""

import os
from pathlib import Path

from django_site import serve

page = Path(os.environ["APP_DATA"], "registration", "login.html")
page.parent.mkdir()
page.write_text("<h1>Log in</h1><form method=post>{% csrf_token %}{{ form.as_p }}<button>Log in</button></form>")
serve(
    apps=["mfa", "django.contrib.admin"],
    MFA_DOMAIN="127.0.0.1",
    MFA_SITE_TITLE="Example",
    LOGIN_URL="/login/",
)
