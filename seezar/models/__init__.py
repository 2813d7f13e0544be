"""Models: the pool of `litellm_config.yaml`, the router over it, and the offline stand-in."""
