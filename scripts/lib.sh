# shellcheck shell=bash
# Helpers of the set-up scripts: sourced, never run. Bash 3.2 (macOS) is enough.

export UV_VERSION="0.13.9" # installed privately when no uv is on PATH
export UV_MINIMUM="0.9.0"  # a uv on PATH older than this is not used
export PYTHON_RANGE=">=3.12,<3.15"

say() { printf '==> %s\n' "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }

# fail SENTENCE...: each argument on a line of its own, then exit 1.
fail() {
  printf '\nSet-up stopped. %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# limited SECONDS COMMAND...: run with a time limit; macOS has no `timeout`, but it has perl.
limited() {
  local seconds="$1"
  shift
  if have timeout; then
    timeout "$seconds" "$@"
  elif have perl; then
    perl -e 'alarm shift; exec @ARGV or exit 127' "$seconds" "$@"
  else
    "$@"
  fi
}

# as_root COMMAND...: run as root, or return 1 at once when this user cannot (a password is never asked for).
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 1
  fi
}

can_apt() {
  have apt-get || return 1
  [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; }
}

APT_UPDATED=""
export APT_LOG="${TMPDIR:-/tmp}/seezar-apt.$$.log"

# apt_update: refresh the package lists once per set-up; 1 when apt cannot be used.
apt_update() {
  can_apt || return 1
  [ -z "$APT_UPDATED" ] || return 0
  note "apt-get update"
  as_root apt-get update -q >"$APT_LOG" 2>&1 </dev/null || { apt_failed; return 1; }
  APT_UPDATED=yes
}

# apt_install PACKAGE...: 0 when installed.
apt_install() {
  apt_update || return 1
  note "apt-get install $*"
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "$@" >>"$APT_LOG" 2>&1 </dev/null || { apt_failed; return 1; }
}

apt_failed() { grep -a '^E: ' "$APT_LOG" | tail -n 2 | sed 's/^/    apt: /' >&2; }

# version_at_least HAVE WANT: compare dotted numbers.
version_at_least() {
  awk -v have="$1" -v want="$2" 'BEGIN {
    n = split(want, w, "."); split(have, h, ".")
    for (i = 1; i <= n; i++) { if (h[i] + 0 > w[i] + 0) exit 0; if (h[i] + 0 < w[i] + 0) exit 1 }
    exit 0
  }'
}
