"""`seezar web`: ADK Web on our agents, under our name, with a gate where others can reach it."""
