"""The domain of seezar: everything an operator agent that signs in needs, without ADK and without DBOS."""
