# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""Addresses and users."""

import base64
import os

from django.contrib.auth.models import User
from django.urls import include, path
from django_otp.plugins.otp_totp.models import TOTPDevice
from wagtail.admin import urls as admin_urls

urlpatterns = [path("cms/", include(admin_urls))]


def seed() -> None:
    """One user with an authenticator."""
    password, key = os.environ["APP_PASSWORD"], os.environ["APP_TOTP"]
    otto = User.objects.create_superuser("otto", "otto@example.test", password)
    TOTPDevice.objects.create(user=otto, name="phone", key=base64.b32decode(key).hex())
