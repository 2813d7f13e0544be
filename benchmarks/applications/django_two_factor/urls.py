# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""Addresses and users."""

import base64
import os

from django.contrib.auth.models import User
from django.urls import include, path
from django_otp.plugins.otp_email.models import EmailDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_secret import secret
from two_factor.urls import urlpatterns as two_factor

urlpatterns = [path("", include(two_factor)), path("secret/", secret)]


def seed() -> None:
    """One user with an authenticator, one with codes by mail, one with a password alone."""
    password, key = os.environ["APP_PASSWORD"], os.environ["APP_TOTP"]
    otto = User.objects.create_user("otto", password=password)
    TOTPDevice.objects.create(user=otto, name="default", key=base64.b32decode(key).hex())
    ema = User.objects.create_user("ema@mail.seezar.test", "ema@mail.seezar.test", password=password)
    EmailDevice.objects.create(user=ema, name="default", email=ema.email)
    User.objects.create_user("paula", password=password)
