# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""Wagtail's admin with wagtail-2fa."""

import os

from django_site import serve

serve(
    apps=[
        "wagtail_2fa",
        "wagtail.users",
        "wagtail.images",
        "wagtail.documents",
        "wagtail.search",
        "wagtail.admin",
        "wagtail",
        "modelcluster",
        "taggit",
        "django_otp",
        "django_otp.plugins.otp_totp",
    ],
    middleware=["wagtail_2fa.middleware.VerifyUserMiddleware"],
    WAGTAIL_SITE_NAME="Example",
    WAGTAILADMIN_BASE_URL=f"http://127.0.0.1:{os.environ['APP_PORT']}",
    WAGTAIL_2FA_REQUIRED=True,
)
