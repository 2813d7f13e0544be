# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""django-mfa3 as its documentation sets it up, with the package's own pages on a plain base."""

import os
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

settings.configure(
    DEBUG=True,
    SECRET_KEY="for-this-run-only",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "mfa",
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [os.environ["APP_DATA"]],
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{os.environ['APP_DATA']}/db.sqlite3"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    MFA_DOMAIN="127.0.0.1",
    MFA_SITE_TITLE="Example",
    LOGIN_URL="/login/",
    LOGIN_REDIRECT_URL="/secret/",
    STATIC_URL="/static/",
    USE_TZ=True,
)
django.setup()

from django.contrib.auth.decorators import login_required  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from mfa.models import MFAKey  # noqa: E402
from mfa.views import LoginView  # noqa: E402


@login_required
def _secret(request) -> HttpResponse:
    return HttpResponse(f"<title>Reports</title><h1>Reports of {request.user}</h1><p>Only for those signed in.</p>")


urlpatterns = [path("login/", LoginView.as_view()), path("mfa/", include("mfa.urls")), path("secret/", _secret)]


def _seed() -> None:
    password = os.environ["APP_PASSWORD"]
    otto = User.objects.create_user("otto", password=password)
    MFAKey.objects.create(user=otto, method="TOTP", name="phone", secret=os.environ["APP_TOTP"])
    User.objects.create_user("paula", password=password)


if __name__ == "__main__":
    page = Path(os.environ["APP_DATA"], "registration", "login.html")
    page.parent.mkdir()
    page.write_text("<h1>Log in</h1><form method=post>{% csrf_token %}{{ form.as_p }}<button>Log in</button></form>")
    call_command("migrate", verbosity=0)
    _seed()
    call_command("runserver", f"127.0.0.1:{os.environ['APP_PORT']}", "--noreload", "--insecure")
