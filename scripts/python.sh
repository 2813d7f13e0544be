# shellcheck shell=bash
# Find a CPython that the project runs on: sourced by bootstrap.sh after lib.sh.
#
# A version manager puts shims on PATH that exist and fail ("pyenv: python3.12: command not found"), so a candidate
# counts only when it has really run.

PYTHON_PROBE='
import sys, sysconfig
ok = (3, 12) <= sys.version_info[:2] < (3, 15) and sys.implementation.name == "cpython"
ok = ok and not sysconfig.get_config_var("Py_GIL_DISABLED")
print(sys.executable if ok else "")
'

# probe_python PATH: print the real interpreter behind PATH when it is one that we can use.
probe_python() {
  local real
  [ -x "$1" ] || return 1
  real="$(limited 20 "$1" -I -c "$PYTHON_PROBE" 2>/dev/null </dev/null)" || return 1
  [ -n "$real" ] && [ -x "$real" ] && printf '%s\n' "$real"
}

# python_candidates: one path a line, best first. 3.12 is what the project is developed on.
python_candidates() {
  local minor home folder
  for minor in 3.12 3.13 3.14; do
    type -aP "python$minor" 2>/dev/null
    for home in "${PYENV_ROOT:-$HOME/.pyenv}/versions" "$HOME/.pyenv/versions" \
      "${ASDF_DATA_DIR:-$HOME/.asdf}/installs/python" "${MISE_DATA_DIR:-$HOME/.local/share/mise}/installs/python"; do
      ls -d "$home/$minor"*/bin/"python$minor" 2>/dev/null
    done
    for folder in "/opt/homebrew/opt/python@$minor" "/usr/local/opt/python@$minor" /usr/local /usr \
      "/opt/python/cp${minor/./}-cp${minor/./}" "/Library/Frameworks/Python.framework/Versions/$minor"; do
      printf '%s\n' "$folder/bin/python$minor"
    done
  done
  type -aP python3 2>/dev/null
  type -aP python 2>/dev/null
  # Conda last: it works, but its environment may be removed or upgraded under the project.
  for home in "${CONDA_PREFIX:-}" "$HOME/miniconda3" "$HOME/miniforge3" "$HOME/anaconda3" "$HOME/mambaforge" /opt/conda; do
    [ -z "$home" ] || ls -d "$home/bin/python3" "$home"/envs/*/bin/python3 2>/dev/null
  done
}

# find_python: print the first candidate that runs, or return 1.
find_python() {
  local candidate tried="" real
  while IFS= read -r candidate; do
    case "$tried" in *"|$candidate|"*) continue ;; esac
    tried="$tried|$candidate|"
    if real="$(probe_python "$candidate")"; then
      printf '%s\n' "$real"
      return 0
    fi
  done <<CANDIDATES
$(python_candidates)
CANDIDATES
  return 1
}

# any_pythons: print every python3 that runs, of whatever version: good enough to install uv with.
any_pythons() {
  local candidate tried=""
  while IFS= read -r candidate; do
    case "$tried" in *"|$candidate|"*) continue ;; esac
    tried="$tried|$candidate|"
    if [ -x "$candidate" ] &&
      limited 20 "$candidate" -I -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null </dev/null; then
      printf '%s\n' "$candidate"
    fi
  done <<CANDIDATES
$(
    type -aP python3 2>/dev/null
    printf '/usr/bin/python3\n/usr/local/bin/python3\n'
    ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3*/bin/python3 2>/dev/null
  )
CANDIDATES
}

# install_python UV: get a Python by uv's own builds, else by the distribution; print its path or return 1.
install_python() {
  local uv="$1" package found
  if found="$("$uv" python find --no-project --no-python-downloads "$PYTHON_RANGE" 2>/dev/null)"; then
    probe_python "$found" && return 0
  fi
  say "No Python 3.12 to 3.14 found; uv downloads one (about 30 MB)"
  if limited 300 "$uv" python install --no-bin 3.12 >&2; then
    found="$("$uv" python find --no-project --no-python-downloads 3.12)" && probe_python "$found" && return 0
  fi
  note "That did not work."
  if apt_update; then
    for package in python3.12 python3.13 python3.14; do
      apt-cache show "$package" >/dev/null 2>&1 || continue
      apt_install "$package" && probe_python "/usr/bin/$package" && return 0
    done
    note "This distribution has no package of Python 3.12 to 3.14."
  fi
  return 1
}
