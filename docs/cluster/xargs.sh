#!/bin/sh
# Paints every photo in the style of every painting, in several processes on this machine:
#
#   PHOTOS=photos PAINTINGS=paintings OUT=art SHARDS=4 THREADS=2 ./xargs.sh --weights vgg19.safetensors
#
# What follows the script's name goes to nativestyle batch. The exit code is 123 if a picture failed.
seq 0 $((${SHARDS:?} - 1)) | xargs -P "$SHARDS" -I '{}' \
  nativestyle batch --content "${PHOTOS:?}" --style "${PAINTINGS:?}" --out "${OUT:?}" \
  --shard "{}/$SHARDS" --threads "${THREADS:?}" --quiet "$@"
