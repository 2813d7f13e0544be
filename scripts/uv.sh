# shellcheck shell=bash
# Find uv, or install it into .tools of this checkout: sourced by bootstrap.sh after lib.sh and python.sh.

# uv_works PATH: true when it runs and is new enough.
uv_works() {
  local version
  [ -x "$1" ] || return 1
  version="$(limited 20 "$1" --version 2>/dev/null </dev/null | awk '{ print $2 }')"
  [ -n "$version" ] && version_at_least "$version" "$UV_MINIMUM"
}

# find_uv: print the path of a uv that works, or return 1.
find_uv() {
  local candidate
  for candidate in "$ROOT/.tools/uv/bin/uv" "$(type -P uv)" "$HOME/.local/bin/uv" "$HOME/.cargo/bin/uv"; do
    if [ -n "$candidate" ] && uv_works "$candidate"; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  return 1
}

# pip_install_uv PIP INSTALL...: run `pip install` with the user's own index and certificate settings, quietly.
pip_install_uv() {
  "$@" --quiet --disable-pip-version-check --no-input --only-binary :all: "uv==$UV_VERSION" >&2 </dev/null
}

# install_uv_with PYTHON: into .tools/uv by a virtual environment, else by `pip --target`.
install_uv_with() {
  local python="$1" folder="$ROOT/.tools/uv"
  rm -rf "$folder"
  if "$python" -m venv "$folder" >/dev/null 2>&1 && pip_install_uv "$folder/bin/python" -m pip install; then
    return 0
  fi
  rm -rf "$folder"
  # Debian splits ensurepip off into python3-venv; a pip without it can still install into a folder.
  if "$python" -m pip --version >/dev/null 2>&1; then
    pip_install_uv "$python" -m pip install --target "$folder" && return 0
  fi
  return 1
}

# install_uv [PYTHON]: print the path of a privately installed uv; PYTHON is tried first, then every other one.
install_uv() {
  local python
  say "No uv found; installing uv $UV_VERSION into .tools/uv"
  while IFS= read -r python; do
    if [ -n "$python" ] && install_uv_with "$python" && find_uv; then
      return 0
    fi
  done <<PYTHONS
$1
$(any_pythons)
PYTHONS
  if can_apt; then
    note "There is no Python here that can install it."
    if apt_install python3 python3-venv && install_uv_with /usr/bin/python3 && find_uv; then
      return 0
    fi
  fi
  fail "uv, the package installer that this project uses, is not on PATH and could not be installed." \
    "Either the package index cannot be reached from here (then pip says so above; PIP_INDEX_URL and PIP_CERT are" \
    "honoured), or no Python here has venv or pip (Debian: sudo apt-get install python3-venv)." \
    "Any uv >= $UV_MINIMUM will do: https://docs.astral.sh/uv/getting-started/installation/ . Then run make again."
}
