"""`seezar web`: ADK Web on our agents, under our name, with nothing loaded from outside and a gate where others can reach it."""
