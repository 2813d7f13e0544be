"""The rule-based planner behind `offline/rules`: grammar, one plan per agent role, rendering. No LiteLLM in here."""
