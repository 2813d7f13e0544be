# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""Django's admin twice: with the sign-in of django-otp, and as it comes."""

from django_site import serve

serve(
    apps=["django.contrib.admin", "django_otp", "django_otp.plugins.otp_totp"],
    middleware=["django_otp.middleware.OTPMiddleware"],
)
