"""Password and authenticator code in French."""

from playground.kit.builders import Words, localized

SHAPE = localized(
    "fr",
    "Quai Clair",
    Words(
        login="Connexion",
        username="Identifiant ou adresse e-mail",
        password="Mot de passe",
        remember="Rester connecté",
        submit="Se connecter",
        forgot="Mot de passe oublié ?",
        signup="Créer un compte",
        wrong="Identifiant ou mot de passe incorrect.",
        code_heading="Validation en deux étapes",
        code_lead="Saisissez le code à six chiffres de votre application d'authentification.",
        code="Code de vérification",
        verify="Valider",
        wrong_code="Le code est incorrect.",
    ),
)
