"""What can go wrong between seezar and a model."""

from seezar.errors import SeezarError


class ModelConfigInvalid(SeezarError):
    """`litellm_config.yaml` cannot be read or does not say what a deployment needs."""

    status = "model_config_invalid"


class ModelRequestForbidden(SeezarError):
    """A model outside this process was about to be asked while that is switched off."""

    status = "model_request_forbidden"


class ModelsUnavailable(SeezarError):
    """Every deployment of the group failed, is cooling down or has spent its quota."""

    status = "models_unavailable"
    retryable = True
