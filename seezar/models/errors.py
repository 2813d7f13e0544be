"""What can go wrong between seezar and a model."""

from seezar.errors import SeezarError


class ModelConfigInvalid(SeezarError):
    """`litellm_config.yaml` cannot be read or does not say what a deployment needs."""

    status = "model_config_invalid"


class ModelRequestForbidden(SeezarError):
    """A model outside this process was about to be asked while that is switched off."""

    status = "model_request_forbidden"


class ModelsUnavailable(SeezarError):
    """Every deployment of the group failed, rests or has spent its quota."""

    status = "models_unavailable"
    retryable = True


class ModelRequestRefused(SeezarError):
    """Every deployment that was asked says that the request itself cannot be answered."""

    status = "model_request_refused"


class ModelStreamCut(SeezarError):
    """An answer broke off after a part of it had been handed on; asked again, another deployment answers."""

    status = "model_stream_cut"
    retryable = True


class ModelBudgetSpent(SeezarError):
    """What may be spent on models in a day, or in one run, is spent."""

    status = "model_budget_spent"


class ModelRecordingInvalid(SeezarError):
    """A recording of model calls cannot be read or written."""

    status = "model_recording_invalid"


class ModelReplayMismatch(SeezarError):
    """What was asked is not what was recorded next."""

    status = "model_replay_mismatch"
