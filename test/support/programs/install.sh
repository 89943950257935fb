#!/usr/bin/env bash
# Installs the real programs that tests run against (Collector, Jaeger, telemetrygen, Prometheus 3, promtool, otlptranslator,
# VictoriaMetrics, Alertmanager, amtool, h2spec) at pinned versions
# through Go's package client, into a cache that later runs reuse.
#   install.sh [otelcol] [jaeger] [telemetrygen] [prometheus] [promtool] [otlptranslator] [victoriametrics] [alertmanager] [amtool] [h2spec]      (default: all)
# Prints the folder with the binaries as its last line; what could not be had is said on stderr and left out.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cache=${VITRINE_PROGRAMS:-${XDG_CACHE_HOME:-$HOME/.cache}/vitrine-programs}
bin=$cache/bin
mkdir -p "$bin"
export GOFLAGS=-mod=mod CGO_ENABLED=0 GOTOOLCHAIN=local

# build NAME VERSION MODULE PACKAGE: builds PACKAGE of MODULE@VERSION in a module of our own, because `go install` refuses modules with replace directives.
build() {
  local name=$1 version=$2 module=$3 package=$4 out="$bin/$1-$2"
  if [ ! -x "$out" ]; then
    local dir; dir=$(mktemp -d)
    ( cd "$dir" && go mod init tools >/dev/null 2>&1 && go get "$module@$version" && go build -trimpath -ldflags '-s -w' -o "$out" "$package" ) >"$cache/$name.log" 2>&1 ||
      { echo "$name $version could not be built: $(tail -n 1 "$cache/$name.log")" >&2; rm -rf "$dir"; return 1; }
    rm -rf "$dir"
  fi
  ln -sf "$out" "$bin/$name"
}

collector() {
  local version=0.155.0 out
  out="$bin/otelcol-$version-$(sha256sum "$here/collector-builder.yaml" | cut -c1-8)"
  if [ ! -x "$out" ]; then
    build builder "v$version" go.opentelemetry.io/collector/cmd/builder go.opentelemetry.io/collector/cmd/builder || return 1
    local dir; dir=$(mktemp -d)
    ( cd "$dir" && "$bin/builder" --config "$here/collector-builder.yaml" --skip-strict-versioning --set "dist.output_path=$dir/out" || "$bin/builder" --config <(sed "s|^dist:|dist:\n  output_path: $dir/out|" "$here/collector-builder.yaml") ) >"$cache/otelcol.log" 2>&1
    cp "$dir/out/otelcol" "$out" 2>/dev/null || { echo "otelcol could not be built: $(tail -n 1 "$cache/otelcol.log")" >&2; rm -rf "$dir"; return 1; }
    rm -rf "$dir"
  fi
  ln -sf "$out" "$bin/otelcol"
}

# Our own main package around the library that has no program of its own.
otlptranslator() {
  local out="$bin/otlptranslator-$(cat "$here/otlptranslator/"* | sha256sum | cut -c1-8)"
  if [ ! -x "$out" ]; then
    ( cd "$here/otlptranslator" && GOFLAGS=-mod=readonly go build -trimpath -ldflags '-s -w' -o "$out" . ) >"$cache/otlptranslator.log" 2>&1 ||
      { echo "otlptranslator could not be built: $(tail -n 1 "$cache/otlptranslator.log")" >&2; return 1; }
  fi
  ln -sf "$out" "$bin/otlptranslator"
}

command -v go >/dev/null || { echo 'Go is not installed: the Collector, Jaeger, telemetrygen and Prometheus 3 are left out' >&2; echo "$bin"; exit 0; }
for program in "${@:-all}"; do
  case $program in
    otelcol | all) collector ;;&
    jaeger | all) build jaeger v1.62.0 github.com/jaegertracing/jaeger github.com/jaegertracing/jaeger/cmd/all-in-one ;;&
    telemetrygen | all) build telemetrygen v0.160.0 github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen ;;&
    prometheus | all) build prometheus3 v0.314.0 github.com/prometheus/prometheus github.com/prometheus/prometheus/cmd/prometheus ;;&
    promtool | all) build promtool3 v0.314.0 github.com/prometheus/prometheus github.com/prometheus/prometheus/cmd/promtool ;;&
    otlptranslator | all) otlptranslator ;;&
    victoriametrics | all) build victoriametrics v1.106.1 github.com/VictoriaMetrics/VictoriaMetrics github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics ;;&
    h2spec | all) build h2spec v2.2.1+incompatible github.com/summerwind/h2spec github.com/summerwind/h2spec/cmd/h2spec ;;&
    # Newer ones need generated files of their page that the module does not carry; amtool has no page.
    alertmanager | all) build alertmanager v0.31.1 github.com/prometheus/alertmanager github.com/prometheus/alertmanager/cmd/alertmanager ;;&
    amtool | all) build amtool v0.34.0 github.com/prometheus/alertmanager github.com/prometheus/alertmanager/cmd/amtool ;;
  esac
done
echo "$bin"
