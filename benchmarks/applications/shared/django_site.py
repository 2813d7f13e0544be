# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""What the Django applications share: the settings of a new project, and how one is seeded and served.

The folder of an application has `serve.py`, which calls `serve`, and `urls.py`, which Django loads once it is set up:
`urlpatterns`, and `seed()`, which makes the users.
"""

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
_CONTEXT = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]


def serve(*, apps: Sequence[str], middleware: Sequence[str] = (), **more: Any) -> None:
    """Set up, seed and serve until it is ended.

    Args:
        apps: besides those of a new project, before them.
        middleware: besides that of a new project, after it.
        more: further settings.
    """
    data = os.environ["APP_DATA"]
    settings.configure(
        DEBUG=True,
        SECRET_KEY="for-this-run-only",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="urls",
        INSTALLED_APPS=[*apps, *_APPS],
        MIDDLEWARE=[*_MIDDLEWARE, *middleware],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [data],
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": _CONTEXT},
            }
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{data}/db.sqlite3"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=int(os.environ["APP_SMTP_PORT"]),
        DEFAULT_FROM_EMAIL="noreply@127.0.0.1",
        LOGIN_REDIRECT_URL="/secret/",
        STATIC_URL="/static/",
        USE_TZ=True,
        **more,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    import_module("urls").seed()
    call_command("runserver", f"127.0.0.1:{os.environ['APP_PORT']}", "--noreload", "--insecure")
