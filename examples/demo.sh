#!/usr/bin/env bash
# The quick start: real data, exact and smooth side by side. Runs the program named by PRESCRIBE and writes into demo/.
set -euo pipefail
cd "$(dirname "$0")/.."

say() {
    echo
    printf '# %s\n' "$@"
}

show() {
    printf '\n$ prescribe %s\n' "$*"
    "${PRESCRIBE:-prescribe}" "$@" 2>/dev/null
}

say "Malawi: people were tested for HIV and offered a random amount of cash for collecting the result (Thornton, 2008)." \
    "Which amount should be offered to whom? A collected result is taken to be worth 10 dollars: a dollar costs 0.1."
show learn examples/data/thornton_hiv.csv --outcome got --treatment arm --covariates distvct,age,hiv2004 \
    --maximize --missing drop --cost inc_0_0.5=0.025,inc_0.5_1=0.075,inc_1_1.5=0.125,inc_1.5_2=0.175,inc_2_3=0.25 \
    --policy tree --depth 2 --out demo/tree

say "Any amount, or none? A linear rule; an offer is taken to cost 0.4."
show learn examples/data/thornton_hiv.csv --outcome got --treatment any_incentive --arms none,any \
    --covariates age,hiv2004 --maximize --missing drop --cost any=0.4 --policy linear --out demo/linear

say "The same problem by the exact program and by the smooth approximation, stage by stage."
show compare learned demo/linear

say "Chemotherapy after surgery for colon cancer (Laurie, 1989; Moertel, 1990): years alive within five; at most 40% on Lev+5FU," \
    "the shares treated of men and women within 5 points of each other, and a rule that does not see node4."
show learn examples/data/colon.csv --outcome years_alive_to_5 --treatment arm --arms Obs,Lev,Lev+5FU \
    --covariates sex,age,obstruct,perfor,adhere,nodes,extent,surg,node4 --exclude node4 --missing drop --maximize \
    --depth 2 --min-leaf 20 --capacity Lev+5FU=40% --parity sex:0.05 --test-share 0.2 --out demo/colon

say "Sixteen treatments that do four different things, simulated (tests/oracles/fusion): which do the same?"
show fuse tests/oracles/fusion/ds1_exp_K16/data.csv --outcome Y --treatment A --covariates X1,X2,X3 --compare

say "The whole way: arms weighted and fused on one half, a tree over the groups, its value on the other half."
show learn tests/oracles/fusion/ds1_exp_K16/data.csv --outcome Y --treatment A --covariates X1,X2,X3 --maximize \
    --propensity logit --outcome-model forest --weigh entropy --fuse ebic --policy tree --depth 2 --out demo/fused

say "Malawi again: who should be offered an incentive when neighbours talk? 119 villages are the clusters; an offer is taken to cost 0.4. Village" \
    "numbers come in three blocks, in which other shares were offered an incentive. First as if nobody's offer mattered to anybody else."
mkdir -p demo
awk -F, 'NR == 1 {print $0 ",block"} NR > 1 && $1 != "" {print $0 "," ($1 < 20 ? "a" : $1 < 100 ? "b" : "c")}' \
    examples/data/thornton_hiv.csv >demo/villages.csv
villages=(--outcome got --treatment any_incentive --arms none,any --cluster village --missing drop --propensity strata:block --cost any=0.4)
covariates=(--covariates age,hiv2004,distvct,block --categorical block --exclude block --neighbours cluster_size)
show learn demo/villages.csv "${villages[@]}" "${covariates[@]}" --maximize --interference none --evaluate nested:5 --out demo/alone

say "The same where every offer in a village may move everybody's outcome there, as a sum, with outcome models of village means."
show learn demo/villages.csv "${villages[@]}" "${covariates[@]}" --maximize --interference additive --doubly-robust \
    --evaluate nested:5 --out demo/together

say "What the first rule is worth then."
show evaluate demo/alone/rule.json demo/villages.csv "${villages[@]}" --interference additive --doubly-robust

say "Nine arms and a control, simulated (tests/oracles/forest): who should get which, from 5,000 people?"
gzip -dc tests/oracles/forest/k9_train.csv.gz >demo/many_arms.csv
show forest demo/many_arms.csv --outcome Y --treatment trt --covariates X1,X2,X3 --maximize --control 0 --distil tree:1 \
    --out demo/forest

say "Nothing in a folder of results has to be believed."
show verify demo/tree
