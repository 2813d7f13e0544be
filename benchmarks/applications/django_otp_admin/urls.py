# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""Addresses and users."""

import base64
import os

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.urls import path
from django_otp.admin import OTPAdminSite
from django_otp.plugins.otp_totp.models import TOTPDevice

with_code = OTPAdminSite(name="with_code")
with_code.register(User, UserAdmin)
urlpatterns = [path("admin/", with_code.urls), path("plain/", admin.site.urls)]


def seed() -> None:
    """One user with an authenticator, one with a password alone."""
    password, key = os.environ["APP_PASSWORD"], os.environ["APP_TOTP"]
    otto = User.objects.create_superuser("otto", password=password)
    TOTPDevice.objects.create(user=otto, name="phone", key=base64.b32decode(key).hex())
    User.objects.create_superuser("paula", password=password)
