"""Password and authenticator code in German."""

from playground.kit.builders import Words, localized

SHAPE = localized(
    "de",
    "Hafenlicht",
    Words(
        login="Anmelden",
        username="Benutzername oder E-Mail-Adresse",
        password="Passwort",
        remember="Angemeldet bleiben",
        submit="Einloggen",
        forgot="Passwort vergessen?",
        signup="Konto erstellen",
        wrong="Benutzername oder Passwort ist falsch.",
        code_heading="Bestätigung in zwei Schritten",
        code_lead="Geben Sie den sechsstelligen Code aus Ihrer Authenticator-App ein.",
        code="Bestätigungscode",
        verify="Bestätigen",
        wrong_code="Der Code ist ungültig.",
    ),
)
