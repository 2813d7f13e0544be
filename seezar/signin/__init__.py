"""Signing in: the detector, the policy, the outcomes and the state machine."""
