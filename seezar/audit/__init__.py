"""The audit log: who did what to which account when."""

from seezar.audit.actor import acting_as, actor, set_process_actor
from seezar.audit.log import Audit, Entry
from seezar.audit.verifying import Verdict

__all__ = ["Audit", "Entry", "Verdict", "acting_as", "actor", "set_process_actor"]
