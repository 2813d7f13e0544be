# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""django-two-factor-auth as its documentation sets it up, with the package's own templates."""

from django_site import serve

serve(
    apps=[
        "django_otp",
        "django_otp.plugins.otp_static",
        "django_otp.plugins.otp_totp",
        "django_otp.plugins.otp_email",
        "two_factor",
        "two_factor.plugins.email",
    ],
    middleware=["django_otp.middleware.OTPMiddleware"],
    LOGIN_URL="two_factor:login",
)
