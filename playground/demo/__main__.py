"""`python -m playground.demo`: see `make demo`."""

from playground.demo.command import main

raise SystemExit(main())
