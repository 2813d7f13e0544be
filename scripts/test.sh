#!/usr/bin/env bash
# `make test`: all tests side by side in $1 processes. What fails there is run once more, alone; a test that fails alone
# as well has failed. Real browsers, servers and killed processes share few cores: a deadline that was missed because
# the machine was busy is told apart from a fault this way. Both outputs are shown, and what passed only alone is named.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

# More than this many at once is no busy machine.
most_again=8
cache=.pytest_cache/v/cache/lastfailed

rm -f "$cache"
# A file's tests stay together: they share a world. The order is that of tests/conftest.py.
.venv/bin/python -m pytest -n "${1:-2}" --dist loadfile --no-loadscope-reorder --durations=40 --durations-min=10
status=$?
[ "$status" -eq 1 ] && [ -f "$cache" ] || exit "$status"

failed=$(.venv/bin/python -c 'import json, sys; print("\n".join(json.load(open(sys.argv[1]))))' "$cache")
[ "$(wc -l <<<"$failed")" -le "$most_again" ] || exit "$status"
printf '\n==> once more, alone:\n%s\n' "$failed"
.venv/bin/python -m pytest --last-failed --last-failed-no-failures none || exit
printf '\n==> passed alone, failed side by side (worth a look):\n%s\n' "$failed"
