"""`make demo`: the main job on a fresh machine, shown as it happens."""
