#!/usr/bin/env bash
# Questions about raw text: what the bundled writer asks and the bundled reader answers alike.
#   bash recipes/writer/questions.sh [NAME...]        stopped runs go on, finished ones are kept
#   python recipes/writer/merge.py runs/asked.json runs/asked-*.json
set -euo pipefail
QA=../shared/data/qa TEXT=../shared/data/text
ask() { # ask NAME PASSAGES SEED FILE...
    local output=runs/asked-$1.json passages=$2 seed=$3
    shift 3
    [ -e "$output" ] || headwater generate-questions "$@" --model writer --reader reader \
        --held-out $QA/squad_v1.1/dev-v1.1.json --held-out $QA/squad_v2.0/dev-v2.0.first12articles.json \
        --held-out $QA/qed_nq/dev.json \
        --passages "$passages" --per-passage 6 --set "seed=$seed" --set min_f1=0.8 \
        --set sentence_removed=0.15 --set near_passage=0.15 --output "$output" --resume
}
[ $# -gt 0 ] || set -- wikipedia openstax factbook wikipedia-again
for name in "$@"; do
    case $name in
        wikipedia) ask wikipedia 12000 0 $TEXT/wikipedia_passages_cc_by_sa/*.jsonl.gz ;;
        wikipedia-again) ask wikipedia-again 5000 1 $TEXT/wikipedia_passages_cc_by_sa/*.jsonl.gz ;; # other answers
        openstax) ask openstax 40000 0 $TEXT/openstax_cc_by/*.jsonl.gz ;;
        factbook) ask factbook 4000 0 $TEXT/world_factbook_public_domain/*.jsonl.gz ;;
        *) echo "no part is called $name" >&2; exit 2 ;;
    esac
done
