#!/usr/bin/env bash
# Installs the packages of this folder's lock file into a cache that later runs reuse, and prints the folder as its last line.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cache=${VITRINE_FRAMEWORKS:-${XDG_CACHE_HOME:-$HOME/.cache}/vitrine-frameworks}/$(sha256sum "$here/package-lock.json" | cut -c1-12)
if [ ! -e "$cache/.installed" ]; then
  [ "${1:-}" != --cached ] || { echo 'run test/telemetry/frameworks/install.sh first' >&2; exit 1; }
  mkdir -p "$cache" && cp "$here/package.json" "$here/package-lock.json" "$cache/" || exit 1
  (cd "$cache" && npm ci --legacy-peer-deps --ignore-scripts --no-audit --no-fund >install.log 2>&1) || { echo "the packages cannot be installed: $(tail -n 1 "$cache/install.log")" >&2; exit 1; }
  touch "$cache/.installed"
fi
echo "$cache"
