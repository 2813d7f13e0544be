# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""Addresses and users."""

import os

from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from django.urls import include, path
from django_secret import secret

urlpatterns = [path("accounts/", include("allauth.urls")), path("secret/", secret)]


def seed() -> None:
    """One user with an authenticator, one with an address for codes, one with a password alone."""
    password = os.environ["APP_PASSWORD"]
    TOTP.activate(User.objects.create_user("otto", password=password), os.environ["APP_TOTP"])
    ema = User.objects.create_user("ema", "ema@mail.seezar.test", password=password)
    EmailAddress.objects.create(user=ema, email=ema.email, verified=True, primary=True)
    User.objects.create_user("paula", password=password)
