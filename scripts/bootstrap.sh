#!/usr/bin/env bash
# Make this checkout ready to run: uv, Python, .venv with everything of uv.lock, and a Chromium. Nothing outside this
# folder is changed, except that a missing Chromium, font or Python may be installed by the system's package manager
# when this user may do that without a password. Running it again is cheap.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"
# Leftovers of another environment would leak into ours; bytecode is wanted here whatever the shell's default is.
unset VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE UV_PROJECT UV_WORKING_DIR
export UV_PROJECT_ENVIRONMENT="$ROOT/.venv" UV_COMPILE_BYTECODE=1 UV_NO_PROGRESS="${UV_NO_PROGRESS:-}"
[ -t 2 ] || export UV_NO_PROGRESS=1

. scripts/lib.sh
. scripts/python.sh
. scripts/uv.sh
. scripts/chromium.sh
trap 'rm -f "$APT_LOG"' EXIT
started="$(date +%s)"

check_platform() {
  case "$(uname -s)/$(uname -m)" in
    Linux/x86_64 | Linux/aarch64 | Darwin/arm64 | Darwin/x86_64) ;;
    *) note "$(uname -s) on $(uname -m) has never been tried; going on." ;;
  esac
  if [ -e .venv ] && [ ! -w .venv ]; then
    # shellcheck disable=SC2012
    fail "The folder .venv belongs to another user ($(ls -ld .venv | awk '{ print $3 }'))." \
      "Run make as that user, or remove $ROOT/.venv and run make again."
  fi
  if [ ! -w . ]; then
    fail "This checkout cannot be written to by $(id -un): $ROOT." "Clone it into a folder of your own."
  fi
}

# A virtual environment holds absolute paths: one that was copied or moved along with the folder is of no use.
drop_foreign_venv() {
  [ -d .venv ] || return 0
  if ! .venv/bin/python -I -c '' 2>/dev/null || ! grep -qF "$ROOT/.venv" .venv/bin/activate 2>/dev/null; then
    say "The .venv here was made elsewhere or its Python is gone; making it anew"
    rm -rf .venv
  fi
}

# configured_index: the package index that this machine is set to use instead of PyPI, if any.
configured_index() {
  local index="${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-${PIP_INDEX_URL:-}}}"
  [ -n "$index" ] || index="$("${PYTHON:-python3}" -I -m pip config get global.index-url 2>/dev/null </dev/null)" || true
  case "$index" in "" | *://pypi.org/*) return 1 ;; esac
  printf '%s\n' "$index"
}

# uv writes one line a package; they say nothing to the reader of a log.
run_uv() {
  if [ -t 2 ]; then "$UV" "$@"; else "$UV" "$@" 2>&1 | sed -e '/^ [-+~] /d' -e '/^ *Downloaded /d' -e '/^ *Buil/d' >&2; fi
}

sync_packages() {
  local index python_option=()
  if [ -n "${PYTHON:-}" ]; then python_option=(--python "$PYTHON"); fi
  if [ -x .venv/bin/seezar ]; then say "Checking .venv against uv.lock"; else
    say "Installing the packages of uv.lock into .venv (1.5 GB; a minute or more the first time)"
  fi
  run_uv sync --frozen --no-python-downloads ${python_option[@]+"${python_option[@]}"} && return 0
  # uv.lock holds PyPI's addresses. Behind a mirror those may be closed: same versions and hashes, asked of the mirror.
  if index="$(configured_index)"; then
    say "PyPI's own addresses did not answer; trying the package index that is configured here"
    run_uv venv --allow-existing --no-python-downloads ${python_option[@]+"${python_option[@]}"} .venv
    "$UV" export --quiet --frozen --no-emit-project --no-header --output-file .tools/requirements.txt >/dev/null
    run_uv pip sync --python .venv --require-hashes --default-index "$index" .tools/requirements.txt &&
      run_uv pip install --python .venv --no-deps --default-index "$index" --editable . && return 0
  fi
  fail "The packages of uv.lock could not be installed; the reason is above." \
    "What was downloaded is kept, so running make again goes on from there." \
    "Behind a mirror set UV_DEFAULT_INDEX; for a certificate of your own set SSL_CERT_FILE."
}

# Embedded PostgreSQL refuses to run as root and is handed to a user of its own.
ensure_useradd() {
  [ "$(id -u)" = 0 ] && [ "$(uname)" = Linux ] || return 0
  have useradd || [ -x /usr/sbin/useradd ] && return 0
  say "Installing useradd (package passwd): embedded PostgreSQL needs a user of its own under root"
  apt_install passwd && return 0
  note "useradd is missing: run as an ordinary user, or set SEEZAR_DATABASE_URL to a PostgreSQL server."
}

main() {
  local chromium
  check_platform
  mkdir -p .tools
  drop_foreign_venv
  PYTHON="${UV_PYTHON:-}"
  # The Python of a .venv that works is kept: another one first on PATH is no reason to make it anew.
  [ -n "$PYTHON" ] || PYTHON="$(probe_python "$ROOT/.venv/bin/python")" || PYTHON="$(find_python)" || PYTHON=""
  UV="$(find_uv)" || UV="$(install_uv "$PYTHON")" || exit 1
  if [ -z "$PYTHON" ]; then
    PYTHON="$(install_python "$UV")" || fail "No Python 3.12, 3.13 or 3.14 was found, and none could be installed." \
      "Looked on PATH, in pyenv, asdf, mise, Homebrew, conda and uv's own builds; shims that fail do not count." \
      "Install one (uv python install 3.12, pyenv install 3.12, or your system's package), then run make again." \
      "One that is somewhere else: UV_PYTHON=/path/to/python3.12 make"
  fi
  note "Python: $PYTHON"
  note "uv:     $UV"
  sync_packages
  chromium="$(find_chromium)" || chromium="$(install_chromium)" || exit 1
  note "Browser: $chromium"
  ensure_fonts
  ensure_useradd
  printf '%s\n' "$ROOT" >.venv/setup.stamp
  say "Set-up is complete ($(($(date +%s) - started)) s)"
}

main
