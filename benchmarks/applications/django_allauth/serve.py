# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""django-allauth as its documentation sets it up, with the package's own templates."""

from django_site import serve

serve(
    apps=["allauth", "allauth.account", "allauth.mfa"],
    middleware=["allauth.account.middleware.AccountMiddleware"],
    AUTHENTICATION_BACKENDS=[
        "django.contrib.auth.backends.ModelBackend",
        "allauth.account.auth_backends.AuthenticationBackend",
    ],
    ACCOUNT_LOGIN_METHODS={"username", "email"},
    ACCOUNT_SIGNUP_FIELDS=["email*", "username*", "password1*", "password2*"],
    ACCOUNT_EMAIL_VERIFICATION="none",
    ACCOUNT_LOGIN_BY_CODE_ENABLED=True,
    MFA_SUPPORTED_TYPES=["totp", "recovery_codes"],
    MFA_TRUST_ENABLED=True,
    LOGIN_URL="account_login",
)
