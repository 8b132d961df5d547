#!/bin/sh
# Paints every photo in the style of every painting, as a job array of Slurm:
#
#   PHOTOS=/data/photos PAINTINGS=/data/paintings OUT=/data/art sbatch slurm-array.sh --weights /data/vgg19.safetensors
#
# Options of sbatch replace the lines below: sbatch --array=0-63 --gres=gpu:1 slurm-array.sh. What follows the script's name
# goes to nativestyle batch. Submit it again as often as you like: it does what is left.
#
#SBATCH --job-name=paint
#SBATCH --array=0-15
#SBATCH --cpus-per-task=8
#SBATCH --mem=8G
#SBATCH --time=4:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append

requeue=
# Two minutes before the time limit: the picture is kept as a checkpoint, and the task goes back into the queue.
trap 'requeue=yes; kill -TERM "$program"' USR1
# scancel, or a job of higher priority: the picture is kept as well. Slurm gives it KillWait, 30 seconds as a rule.
trap 'kill -TERM "$program"' TERM

nativestyle batch --content "${PHOTOS:?}" --style "${PAINTINGS:?}" --out "${OUT:?}" \
  --threads "$SLURM_CPUS_PER_TASK" --quiet "$@" &
program=$!
wait "$program"
code=$?
# A signal ends the first wait early.
while kill -0 "$program" 2>/dev/null; do
  wait "$program"
  code=$?
done

if [ -n "$requeue" ] && [ "$code" -eq 143 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit "$code"
