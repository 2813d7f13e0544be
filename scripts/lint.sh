#!/usr/bin/env bash
# The checks of `make lint` and CI; all of them run, the exit code is 1 when one failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# pyright ships its program in the wheel and Node in another one: nothing is fetched while it runs.
export PYRIGHT_PYTHON_GLOBAL_NODE=0 PYRIGHT_PYTHON_IGNORE_WARNINGS=1

failed=""
check() {
  printf '==> %s\n' "$*"
  "$@" || failed="$failed $(basename "$1")"
}

check .venv/bin/ruff check .
check .venv/bin/ruff format --check .
check .venv/bin/pyright
check .venv/bin/lint-imports --no-logo

if [ -n "$failed" ]; then
  printf '\nFailed:%s\n' "$failed" >&2
  exit 1
fi
