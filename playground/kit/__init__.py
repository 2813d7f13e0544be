"""What the journeys of `playground/shapes/` are built from.

journal.py   every value typed, sent in or chosen     walks.py   where a visitor is on the way in
site.py      pages, steps and answers of one site     takes.py   what a step does with what was sent in
mails.py     the mails of a journey                   links.py     sign-in links by mail
builders.py  steps and sites that several share       single.py    sites of one page
foreign.py   a form of another origin
"""
