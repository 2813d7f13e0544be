# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""django-allauth as its documentation sets it up, with the package's own templates."""

import os

import django
from django.conf import settings
from django.core.management import call_command

settings.configure(
    DEBUG=True,
    SECRET_KEY="for-this-run-only",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "allauth",
        "allauth.account",
        "allauth.mfa",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
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
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=int(os.environ["APP_SMTP_PORT"]),
    DEFAULT_FROM_EMAIL="noreply@127.0.0.1",
    AUTHENTICATION_BACKENDS=[
        "django.contrib.auth.backends.ModelBackend",
        "allauth.account.auth_backends.AuthenticationBackend",
    ],
    ACCOUNT_LOGIN_METHODS={"username", "email"},
    ACCOUNT_SIGNUP_FIELDS=["email*", "username*", "password1*", "password2*"],
    ACCOUNT_EMAIL_VERIFICATION="none",
    ACCOUNT_LOGIN_BY_CODE_ENABLED=True,
    MFA_SUPPORTED_TYPES=["totp", "recovery_codes"],
    MFA_TRUST_ENABLED=True,
    LOGIN_URL="account_login",
    LOGIN_REDIRECT_URL="/secret/",
    STATIC_URL="/static/",
    USE_TZ=True,
)
django.setup()

from allauth.account.models import EmailAddress  # noqa: E402
from allauth.mfa.totp.internal.auth import TOTP  # noqa: E402
from django.contrib.auth.decorators import login_required  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import include, path  # noqa: E402


@login_required
def _secret(request) -> HttpResponse:
    return HttpResponse(f"<title>Reports</title><h1>Reports of {request.user}</h1><p>Only for those signed in.</p>")


urlpatterns = [path("accounts/", include("allauth.urls")), path("secret/", _secret)]


def _seed() -> None:
    password = os.environ["APP_PASSWORD"]
    TOTP.activate(User.objects.create_user("otto", password=password), os.environ["APP_TOTP"])
    ema = User.objects.create_user("ema", "ema@mail.seezar.test", password=password)
    EmailAddress.objects.create(user=ema, email=ema.email, verified=True, primary=True)
    User.objects.create_user("paula", password=password)


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    _seed()
    call_command("runserver", f"127.0.0.1:{os.environ['APP_PORT']}", "--noreload", "--insecure")
