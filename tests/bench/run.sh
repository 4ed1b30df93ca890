#!/bin/bash
# Benchmarks: a table of processor time, wall time, peak memory and stored bytes, and the ratios to peers in the same run.
#   tests/bench/run.sh [--peers] [--build DIR] [--workload DIR] [--work DIR]
# The workload is a folder with gen0.raw and gen1.raw, two states of one guest disk. Without --workload a small one is
# made from the demo's guests. --peers adds restic and qemu-img on the same images.
set -euo pipefail
cd "$(dirname "$0")/../.."

peers=no build=build/release workload='' work=''
while [ $# -gt 0 ]; do
  case "$1" in
    --peers) peers=yes ;;
    --build) build=$2; shift ;;
    --workload) workload=$2; shift ;;
    --work) work=$2; shift ;;
    *) sed -n '2,5p' "$0" >&2; exit 2 ;;
  esac
  shift
done
bin=$PWD/$build/bin
[ -n "$work" ] || work=$(mktemp -d)
mkdir -p "$work"
results=$work/results.tsv
: >"$results"

if [ -z "$workload" ]; then
  workload=$work/workload
  packaging/demo/guests.sh make "$workload"
  cp --sparse=always "$workload/db01.raw" "$workload/gen0.raw"
  packaging/demo/guests.sh change "$workload"
  cp --sparse=always "$workload/db01.raw" "$workload/gen1.raw"
fi

# Runs a command and notes: name, user+system seconds, wall seconds, peak KiB.
measure() { # name, command...
  local name=$1
  shift
  /usr/bin/time -f '%U %S %e %M' -o "$work/time" "$@" >"$work/out" 2>"$work/err" || { cat "$work/out" "$work/err" >&2; echo "bench: $name failed" >&2; exit 1; }
  awk -v name="$name" '{ printf "%s\t%.2f\t%.2f\t%d\n", name, $1 + $2, $3, $4 }' "$work/time" >>"$results"
}
cpu_of() { awk -F'\t' -v name="$1" '$1 == name { print $2 }' "$results"; }
size_of() { du -s --block-size=1 "$1" | cut -f1; }
ratio() { # label, a, b
  awk -v label="$1" -v a="$2" -v b="$3" 'BEGIN { if (b > 0) printf "%-58s %6.2f   (%s / %s)\n", label, a / b, a, b }'
}
fresh() { sync; cat "$@" >/dev/null; } # Warm cache for everyone alike.

echo "making images" >&2
[ -f "$work/gen0.vhdx" ] || qemu-img convert -f raw -O vhdx -o subformat=dynamic "$workload/gen0.raw" "$work/gen0.vhdx"
[ -f "$work/gen1.vhdx" ] || "$bin/entrepot" image convert "$workload/gen1.raw" "$work/gen1.vhdx" --format vhdx-diff --base "$work/gen0.vhdx"
echo 'a passphrase for the bench' >"$work/pass"
export ENTREPOT_PASSPHRASE_FILE=$work/pass
data=$work/data
rm -rf "$data" "$work/restic" "$work/restored"*

measure 'init (two key derivations)' "$bin/entrepot" --data "$data" init
measure 'info (one key derivation)' "$bin/entrepot" --data "$data" info
fresh "$work/gen0.vhdx" "$work/gen1.vhdx"
measure 'full ingest' "$bin/entrepot" --data "$data" ingest "$work/gen0.vhdx" --vm bench --json
point0=$(jq -r .point "$work/out")
full_stored=$(size_of "$data/repository")
measure 'incremental ingest' "$bin/entrepot" --data "$data" ingest "$work/gen1.vhdx" --vm bench --base "$point0" --json
point1=$(jq -r .point "$work/out")
changed=$(jq -r '.disks[0].changed_bytes' "$work/out")
increment_stored=$(($(size_of "$data/repository") - full_stored))
measure 'restore to raw' "$bin/entrepot" --data "$data" restore disk "$point1" 0 --to "$work/restored.raw" --format raw
cmp "$work/restored.raw" "$workload/gen1.raw"
measure 'verify --depth packs' "$bin/entrepot" --data "$data" verify --depth packs
measure 'verify --depth data' "$bin/entrepot" --data "$data" verify --depth data
measure 'image convert vhdx to raw' "$bin/entrepot" image convert "$work/gen0.vhdx" "$work/converted.raw" --format raw
rm -f "$work/restored.raw" "$work/converted.raw"

if [ "$peers" = yes ]; then
  export RESTIC_REPOSITORY=$work/restic RESTIC_PASSWORD_FILE=$work/pass RESTIC_CACHE_DIR=$work/restic-cache GOMAXPROCS=2
  measure 'restic init' restic init
  mkdir -p "$work/tree"
  cp --sparse=always "$workload/gen0.raw" "$work/tree/disk.raw"
  measure 'restic backup, full' restic backup --compression auto "$work/tree/disk.raw"
  restic_stored=$(size_of "$work/restic")
  cp --sparse=always "$workload/gen1.raw" "$work/tree/disk.raw"
  measure 'restic backup, again' restic backup --compression auto "$work/tree/disk.raw"
  measure 'restic restore' restic restore latest --target "$work/restored"
  rm -rf "$work/restored" "$work/tree"
  measure 'qemu-img convert vhdx to raw' qemu-img convert -f vhdx -O raw "$work/gen0.vhdx" "$work/converted.raw"
  rm -f "$work/converted.raw"
fi

echo
printf '%-30s %10s %10s %10s\n' step 'cpu s' 'wall s' 'peak MiB'
awk -F'\t' '{ printf "%-30s %10.2f %10.2f %10.0f\n", $1, $2, $3, $4 / 1024 }' "$results"
echo
key=$(cpu_of 'info (one key derivation)')
net() { awk -v a="$(cpu_of "$1")" -v b="$key" 'BEGIN { printf "%.2f", (a > b) ? a - b : 0.01 }'; }
echo "processor time below is without the key derivation ($key s)"
ratio 'incremental ingest / full ingest, cpu' "$(net 'incremental ingest')" "$(net 'full ingest')"
python3 tests/bench/changed_chunks.py "$workload/gen0.raw" "$workload/gen1.raw" >"$work/changed"
ratio 'increment stored / compressed changed 64 KiB chunks' "$increment_stored" "$(cut -d' ' -f2 "$work/changed")"
ratio 'increment reported changed bytes / changed 64 KiB chunks' "$changed" "$(cut -d' ' -f1 "$work/changed")"
if [ "$peers" = yes ]; then
  ratio 'full ingest / restic backup, cpu' "$(net 'full ingest')" "$(cpu_of 'restic backup, full')"
  ratio 'restore to raw / restic restore, cpu' "$(net 'restore to raw')" "$(cpu_of 'restic restore')"
  ratio 'incremental ingest / restic backup again, cpu' "$(net 'incremental ingest')" "$(cpu_of 'restic backup, again')"
  ratio 'stored after the full / restic' "$full_stored" "$restic_stored"
  ratio 'image convert / qemu-img convert, cpu' "$(cpu_of 'image convert vhdx to raw')" "$(cpu_of 'qemu-img convert vhdx to raw')"
fi
echo "stored: full $full_stored, increment $increment_stored"
