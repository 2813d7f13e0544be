"""Signs in to other people's applications, installed from the package registries and run on this machine."""
