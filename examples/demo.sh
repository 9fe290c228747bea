#!/usr/bin/env bash
# The quick start: real data, exact and smooth side by side. Runs the program named by PRESCRIBE and writes into demo/.
set -euo pipefail
cd "$(dirname "$0")/.."

show() {
    printf '\n$ prescribe %s\n' "$*"
    "${PRESCRIBE:-prescribe}" "$@" 2>/dev/null
}

echo "Malawi, 2004: people were tested for HIV and offered a random amount of cash for collecting the result (Thornton, 2008)."
echo "Which amount should be offered to whom? A collected result is taken to be worth 10 dollars: a dollar costs 0.1."
show learn examples/data/thornton_hiv.csv --outcome got --treatment arm --covariates distvct,age,hiv2004 \
    --maximize --missing drop --cost inc_0_0.5=0.025,inc_0.5_1=0.075,inc_1_1.5=0.125,inc_1.5_2=0.175,inc_2_3=0.25 \
    --policy tree --depth 2 --out demo/tree

echo
echo "Any amount, or none? A linear rule; an offer is taken to cost 0.4."
show learn examples/data/thornton_hiv.csv --outcome got --treatment any_incentive --arms none,any \
    --covariates age,hiv2004 --maximize --missing drop --cost any=0.4 --policy linear --out demo/linear

echo
echo "The same problem by the exact program and by the smooth approximation, stage by stage."
show compare learned demo/linear

echo
echo "Nothing in a folder of results has to be believed."
show verify demo/tree
