# shellcheck shell=bash
# Find a Chromium or Chrome, or install one: sourced by bootstrap.sh after lib.sh, when .venv is ready.
#
# Ubuntu's /usr/bin/chromium-browser is a stub that only says "install the snap", so a candidate counts only when
# `--version` really answers.

chromium_runs() {
  local answer
  [ -x "$1" ] || return 1
  answer="$(limited 20 "$1" --version 2>/dev/null </dev/null)" || return 1
  case "$answer" in *Chromium*[0-9].* | *Chrome*[0-9].*) return 0 ;; esac
  return 1
}

# chromium_candidates: one path a line; Playwright's own builds last, newest first.
chromium_candidates() {
  local name cache
  printf '%s\n' "${SEEZAR_CHROMIUM:-}"
  for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
    type -aP "$name" 2>/dev/null
  done
  printf '%s\n' "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
    "/Applications/Chromium.app/Contents/MacOS/Chromium" \
    "$HOME/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
  cache="${PLAYWRIGHT_BROWSERS_PATH:-}"
  if [ -z "$cache" ] || [ "$cache" = 0 ]; then
    if [ "$(uname)" = Darwin ]; then cache="$HOME/Library/Caches/ms-playwright"; else cache="$HOME/.cache/ms-playwright"; fi
  fi
  ls -dr "$cache"/chromium-*/chrome-*/chrome "$cache"/chromium-*/chrome-*/*.app/Contents/MacOS/* \
    "$cache"/chromium_headless_shell-*/chrome-*/*headless*shell 2>/dev/null
}

find_chromium() {
  local candidate
  while IFS= read -r candidate; do
    if [ -n "$candidate" ] && chromium_runs "$candidate"; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done <<CANDIDATES
$(chromium_candidates)
CANDIDATES
  return 1
}

# Playwright tries several times and prints a stack each time.
brief() { awk '/^(Downloading|\||Error: getaddrinfo|Error: Download)/ && !seen[$0]++ { print "    " $0; fflush() }'; }

# install_chromium: print the path of a Chromium that was installed now, or explain and exit.
install_chromium() {
  local playwright="$ROOT/.venv/bin/playwright"
  say "No Chromium or Chrome found; Playwright downloads its own build (about 180 MB)"
  if limited 600 "$playwright" install chromium 2>&1 </dev/null | brief >&2; then
    find_chromium && return 0
    note "It was downloaded but does not start: libraries of the system are missing."
    if can_apt && as_root "$playwright" install-deps chromium >"$APT_LOG" 2>&1 </dev/null; then
      find_chromium && return 0
    fi
  else
    note "That did not work."
  fi
  if can_apt; then
    say "Installing Chromium from the distribution"
    apt_install chromium && find_chromium && return 0
  fi
  fail "There is no Chromium or Chrome on this machine and none could be installed." \
    "Everything else is ready. Install one of them (Debian: sudo apt-get install chromium) or name one with" \
    "SEEZAR_CHROMIUM=/path/to/chrome, then run make again."
}

# ensure_fonts: without any font a page renders as empty boxes, and a screenshot of it is worthless.
ensure_fonts() {
  [ "$(uname)" = Linux ] || return 0
  if have fc-list; then
    [ -z "$(fc-list 2>/dev/null | head -n 1)" ] || return 0
  elif [ -n "$(find /usr/share/fonts /usr/local/share/fonts "$HOME/.fonts" "$HOME/.local/share/fonts" \
    \( -name '*.ttf' -o -name '*.otf' -o -name '*.pfb' \) 2>/dev/null | head -n 1)" ]; then
    return 0
  fi
  say "No font found; installing DejaVu"
  apt_install fonts-dejavu-core && return 0
  note "No font could be installed: sign-ins work, but screenshots will show no text (Debian: fonts-dejavu-core)."
}
