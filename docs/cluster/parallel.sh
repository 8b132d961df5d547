#!/bin/sh
# Paints every photo in the style of every painting, with GNU parallel:
#
#   PHOTOS=/data/photos PAINTINGS=/data/paintings OUT=/data/art SHARDS=16 AT_ONCE=1 HOSTS=node1,node2 ./parallel.sh
#
# Each host does AT_ONCE shards at a time. Folders must have the same names on all hosts; without HOSTS, this machine does all.
# What follows the script's name goes to nativestyle batch. The exit code is the number of shards with a failed picture.
seq 0 $((${SHARDS:?} - 1)) | parallel --quote --sshlogin "${HOSTS:-:}" --jobs "${AT_ONCE:?}" \
  nativestyle batch --content "${PHOTOS:?}" --style "${PAINTINGS:?}" --out "${OUT:?}" --shard "{}/$SHARDS" --quiet "$@"
