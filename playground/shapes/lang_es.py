"""Password and authenticator code in Spanish."""

from playground.kit.builders import Words, localized

SHAPE = localized(
    "es",
    "Puertoluz",
    Words(
        login="Iniciar sesión",
        username="Usuario o correo electrónico",
        password="Contraseña",
        remember="Recordarme",
        submit="Entrar",
        forgot="¿Olvidaste tu contraseña?",
        signup="Crear cuenta",
        wrong="El usuario o la contraseña no son correctos.",
        code_heading="Verificación en dos pasos",
        code_lead="Introduce el código de seis dígitos de tu aplicación de autenticación.",
        code="Código de verificación",
        verify="Verificar",
        wrong_code="El código no es válido.",
    ),
)
