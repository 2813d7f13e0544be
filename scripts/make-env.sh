#!/usr/bin/env bash
# Write .env from .env.example with fresh secrets. Needs neither Python nor .venv: docker users have none.
# An existing .env is left alone: replacing its keys would make stored data unreadable.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -e .env ]; then
  echo ".env exists already and was left alone: its keys open what is stored. Move it away to get a new one." >&2
  exit 0
fi

hex() { od -An -vtx1 -N "$1" /dev/urandom | tr -d ' \n'; }
uuid() { hex 16 | sed -E 's/(.{8})(.{4})(.{4})(.{4})(.{12})/\1-\2-\3-\4-\5/'; }

if [ "$(id -u)" = 0 ]; then default_home=/var/lib/seezar; else default_home="${XDG_DATA_HOME:-$HOME/.local/share}/seezar"; fi
key_file="${SEEZAR_HOME:-$default_home}/master.key"
if [ -e "$key_file" ]; then master_key=""; else master_key="$(head -c 32 /dev/urandom | base64 | tr -d '\n')"; fi

values="
SEEZAR_MASTER_KEY=$master_key
POSTGRES_PASSWORD=$(hex 24)
LANGFUSE_NEXTAUTH_SECRET=$(hex 32)
LANGFUSE_SALT=$(hex 32)
LANGFUSE_ENCRYPTION_KEY=$(hex 32)
LANGFUSE_INIT_PROJECT_PUBLIC_KEY=pk-lf-$(uuid)
LANGFUSE_INIT_PROJECT_SECRET_KEY=sk-lf-$(uuid)
LANGFUSE_INIT_USER_PASSWORD=$(hex 12)
CLICKHOUSE_PASSWORD=$(hex 24)
REDIS_PASSWORD=$(hex 24)
S3_SECRET_ACCESS_KEY=$(hex 24)
LITELLM_MASTER_KEY=sk-$(hex 24)
LITELLM_SALT_KEY=sk-$(hex 24)
"

umask 077
# Written aside and moved: a half-written .env would look like a finished one. The values reach awk by its environment,
# not its arguments, which every user of the machine could read.
temporary="$(mktemp .env.XXXXXX)"
trap 'rm -f "$temporary"' EXIT
VALUES="$values" awk '
  BEGIN {
    count = split(ENVIRON["VALUES"], lines, "\n")
    for (i = 1; i <= count; i++) { at = index(lines[i], "="); if (at) value[substr(lines[i], 1, at - 1)] = substr(lines[i], at + 1) }
  }
  /^[A-Z0-9_]+=$/ { name = substr($0, 1, length($0) - 1); if (name in value) { print name "=" value[name]; next } }
  { print }
' .env.example >"$temporary"
mv "$temporary" .env
trap - EXIT

echo "Wrote .env with fresh secrets, readable by you alone."
if [ -n "$master_key" ]; then
  echo "Keep a copy of its SEEZAR_MASTER_KEY: without it the stored passwords and sessions cannot be read."
else
  echo "SEEZAR_MASTER_KEY was left empty: the key of this machine's data is $key_file."
fi
