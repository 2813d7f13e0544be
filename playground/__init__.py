"""The demo world: small web applications with every kind of sign-in, on one loopback origin.

world.py      the accounts           data.py     the numbers behind each login (the truth for tests and evals)
shape.py      what a site is         shapes/     one file a site, found by the registry
standard.py   the ordinary pages     gate.py     what every site decides: passwords, codes, limits
state.py      everything in memory   server.py   run it inside a loop; `python -m playground` runs it in front
"""
