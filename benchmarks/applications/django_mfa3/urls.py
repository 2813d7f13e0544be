# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""Addresses and users."""

import os

from django.contrib.auth.models import User
from django.urls import include, path
from django_secret import secret
from mfa.models import MFAKey
from mfa.views import LoginView

urlpatterns = [path("login/", LoginView.as_view()), path("mfa/", include("mfa.urls")), path("secret/", secret)]


def seed() -> None:
    """One user with an authenticator, one with a password alone."""
    password = os.environ["APP_PASSWORD"]
    otto = User.objects.create_user("otto", password=password)
    MFAKey.objects.create(user=otto, method="TOTP", name="phone", secret=os.environ["APP_TOTP"])
    User.objects.create_user("paula", password=password)
