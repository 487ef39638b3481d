#!/bin/sh
# Replaces the embedded Vega runtime by the versions given here, with the licences of everything bundled in it.
# Needs npm and a network. Run from anywhere; then run the tests of jostle-report and look at a report.
set -eu
packages="vega@6.4.0 vega-lite@6.5.0 vega-embed@7.3.0"
bundled="d3-array d3-color d3-delaunay d3-dispatch d3-dsv d3-force d3-format d3-geo d3-geo-projection d3-hierarchy
    d3-interpolate d3-path d3-quadtree d3-scale d3-scale-chromatic d3-shape d3-time d3-time-format d3-timer delaunator
    fast-json-patch internmap json-stringify-pretty-compact robust-predicates semver topojson-client tslib
    vega-themes vega-tooltip"

here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm init -y >/dev/null
npm install --no-audit --no-fund $packages

for name in vega vega-lite vega-embed; do
    # A source map is a file beside the script, which a self-contained report does not have.
    sed '/^\/\/# sourceMappingURL=/d' "node_modules/$name/build/$name.min.js" >"$here/$name.min.js"
    cp "node_modules/$name/LICENSE" "$here/$name.LICENSE"
done

{
    echo "The minified builds in this folder contain parts of these packages, under their own licences."
    for name in $bundled; do
        printf '\n=== %s\n\n' "$(node -p "const p = require('./node_modules/$name/package.json'); p.name + ' ' + p.version")"
        cat "node_modules/$name"/LICENSE*
    done
} >"$here/bundled.LICENSE"
