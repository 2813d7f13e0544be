# pyright: reportMissingImports=false, reportMissingModuleSource=false, reportAttributeAccessIssue=false
"""Flask-Security-Too as its documentation sets it up, with the package's own templates."""

import os
import uuid

from flask import Flask
from flask_mailman import Mail
from flask_security import Security, SQLAlchemyUserDatastore, auth_required, hash_password
from flask_security.models import fsqla_v3
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config |= {
    "SECRET_KEY": "for-this-run-only",
    "SECURITY_PASSWORD_SALT": "for-this-run-only",
    "SQLALCHEMY_DATABASE_URI": f"sqlite:///{os.environ['APP_DATA']}/db.sqlite3",
    "MAIL_SERVER": "127.0.0.1",
    "MAIL_PORT": int(os.environ["APP_SMTP_PORT"]),
    "MAIL_DEFAULT_SENDER": "noreply@127.0.0.1",
    "SECURITY_EMAIL_SENDER": "noreply@127.0.0.1",
    "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False, "test_environment": True},
    "SECURITY_TWO_FACTOR": True,
    "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator", "email"],
    "SECURITY_UNIFIED_SIGNIN": True,
    "SECURITY_US_ENABLED_METHODS": ["password", "email"],
    "SECURITY_TOTP_SECRETS": {"1": "for-this-run-only-0123456789"},
    "SECURITY_TOTP_ISSUER": "example",
    "SECURITY_POST_LOGIN_VIEW": "/secret",
    "REMEMBER_COOKIE_SAMESITE": "strict",
    "SESSION_COOKIE_SAMESITE": "strict",
}
db = SQLAlchemy(app)
fsqla_v3.FsModels.set_db_info(db)


class Role(db.Model, fsqla_v3.FsRoleMixin):
    """As the package's mix-in has it."""


class WebAuthn(db.Model, fsqla_v3.FsWebAuthnMixin):
    """As the package's mix-in has it."""


class User(db.Model, fsqla_v3.FsUserMixin):
    """As the package's mix-in has it."""


store = SQLAlchemyUserDatastore(db, User, Role)
security = Security(app, store)
Mail(app)


@app.get("/")
def _home() -> str:
    return "<title>Example</title><h1>Example</h1><p>Reports for our members.</p>"


@app.get("/secret")
@auth_required("session")
def _secret() -> str:
    return "<title>Reports</title><h1>Reports</h1><p>Only for those signed in.</p>"


def _seed() -> None:
    db.create_all()
    hashed = hash_password(os.environ["APP_PASSWORD"])
    users = {
        name: store.create_user(email=f"{name}@mail.seezar.test", password=hashed, fs_uniquifier=uuid.uuid4().hex)
        for name in ("otto", "ema", "uwe", "paula")
    }
    store.tf_set(users["otto"], "authenticator", totp_secret=_totp(os.environ["APP_TOTP"]))
    store.tf_set(users["ema"], "email", totp_secret=security._totp_factory.generate_totp_secret())
    store.us_set(users["uwe"], "email", totp_secret=security._totp_factory.generate_totp_secret())
    store.commit()


def _totp(key: str) -> str:
    """The package keeps keys in passlib's own form."""
    return security._totp_factory._totp(key=key).to_json(encrypt=True)


if __name__ == "__main__":
    with app.app_context():
        _seed()
    app.run("127.0.0.1", int(os.environ["APP_PORT"]), threaded=True)
