#!/usr/bin/env bash
# Questions about raw text, for the writer's practice: what the first writer asks and the reader of people.toml answers alike.
#   headwater finetune recipes/writer/first.toml --output runs/first-writer
#   bash recipes/reader/questions.sh [NAME...]        stopped runs go on, finished ones are kept
set -euo pipefail
QA=../shared/data/qa TEXT=../shared/data/text
ask() { # ask NAME PASSAGES SEED FILE...
    local output=runs/reader/asked-$1.json passages=$2 seed=$3
    shift 3
    [ -e "$output" ] || headwater generate-questions "$@" --model runs/first-writer --reader runs/reader-people \
        --held-out $QA/squad_v1.1/dev-v1.1.json --held-out $QA/squad_v2.0/dev-v2.0.first12articles.json \
        --held-out $QA/qed_nq/dev.json --held-out runs/reader/validation.json \
        --passages "$passages" --per-passage 6 --set "seed=$seed" --set min_f1=0.8 \
        --set sentence_removed=0.15 --set near_passage=0.15 --output "$output" --resume
}
[ $# -gt 0 ] || set -- wikipedia openstax factbook second third
for name in "$@"; do
    case $name in
        wikipedia) ask wikipedia 12000 0 $TEXT/wikipedia_passages_cc_by_sa/*.jsonl.gz ;;
        openstax) ask openstax 12000 0 $TEXT/openstax_cc_by/*.jsonl.gz ;;
        factbook) ask factbook 4000 0 $TEXT/world_factbook_public_domain/*.jsonl.gz ;;
        second | third) # other answers of the same passages
            ask "wikipedia-$name" 5500 "$([ "$name" = second ] && echo 1 || echo 2)" $TEXT/wikipedia_passages_cc_by_sa/*.jsonl.gz ;;
        *) echo "no part is called $name" >&2; exit 2 ;;
    esac
done
