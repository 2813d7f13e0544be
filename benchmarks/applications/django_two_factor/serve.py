# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""django-two-factor-auth as its documentation sets it up, with the package's own templates."""

import base64
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
        "django_otp",
        "django_otp.plugins.otp_static",
        "django_otp.plugins.otp_totp",
        "django_otp.plugins.otp_email",
        "two_factor",
        "two_factor.plugins.email",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django_otp.middleware.OTPMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
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
    LOGIN_URL="two_factor:login",
    LOGIN_REDIRECT_URL="/secret/",
    STATIC_URL="/static/",
    USE_TZ=True,
)
django.setup()

from django.contrib.auth.decorators import login_required  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from django_otp.plugins.otp_email.models import EmailDevice  # noqa: E402
from django_otp.plugins.otp_totp.models import TOTPDevice  # noqa: E402
from two_factor.urls import urlpatterns as two_factor  # noqa: E402


@login_required
def _secret(request) -> HttpResponse:
    return HttpResponse(f"<title>Reports</title><h1>Reports of {request.user}</h1><p>Only for those signed in.</p>")


urlpatterns = [path("", include(two_factor)), path("secret/", _secret)]


def _seed() -> None:
    password, key = os.environ["APP_PASSWORD"], os.environ["APP_TOTP"]
    otto = User.objects.create_user("otto", password=password)
    TOTPDevice.objects.create(user=otto, name="default", key=base64.b32decode(key).hex())
    ema = User.objects.create_user("ema@mail.seezar.test", "ema@mail.seezar.test", password=password)
    EmailDevice.objects.create(user=ema, name="default", email=ema.email)
    User.objects.create_user("paula", password=password)


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    _seed()
    call_command("runserver", f"127.0.0.1:{os.environ['APP_PORT']}", "--noreload", "--insecure")
