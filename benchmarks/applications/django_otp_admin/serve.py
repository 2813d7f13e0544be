# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""Django's admin twice: with the sign-in of django-otp, and as it comes."""

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
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "django_otp",
        "django_otp.plugins.otp_totp",
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
    STATIC_URL="/static/",
    USE_TZ=True,
)
django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.auth.admin import UserAdmin  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.urls import path  # noqa: E402
from django_otp.admin import OTPAdminSite  # noqa: E402
from django_otp.plugins.otp_totp.models import TOTPDevice  # noqa: E402

with_code = OTPAdminSite(name="with_code")
with_code.register(User, UserAdmin)
urlpatterns = [path("admin/", with_code.urls), path("plain/", admin.site.urls)]


def _seed() -> None:
    password, key = os.environ["APP_PASSWORD"], os.environ["APP_TOTP"]
    otto = User.objects.create_superuser("otto", password=password)
    TOTPDevice.objects.create(user=otto, name="phone", key=base64.b32decode(key).hex())
    User.objects.create_superuser("paula", password=password)


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    _seed()
    call_command("runserver", f"127.0.0.1:{os.environ['APP_PORT']}", "--noreload", "--insecure")
