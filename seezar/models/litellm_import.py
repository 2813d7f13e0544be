"""LiteLLM, imported late and quietly.

`import litellm` costs seconds, asks the network for a price list, and its defaults are read from the environment at
import. Every import of it in this project goes through `load`.
"""

import importlib
import logging
import os
from typing import Any

_ENVIRONMENT = {
    # Without it the import downloads a price list from GitHub, with retries and seconds of sleep when offline.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # Without it LiteLLM reads `.env` files by itself.
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
}


def prepare_environment() -> None:
    """Set what LiteLLM reads at import; values that the user set are kept."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def load() -> Any:
    """The `litellm` module, imported on the first call."""
    prepare_environment()
    litellm: Any = importlib.import_module("litellm")
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    # Its client for embeddings takes 0 for "not said", and asks three times.
    litellm.DEFAULT_MAX_RETRIES = 0
    # LITELLM_LOG alone does not silence the "model not in cost map" notes once ADK has set up root logging. What the
    # router logs as an error is raised as well, and each provider it moves on from is one more line.
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return litellm
