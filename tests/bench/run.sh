#!/bin/bash
# Benchmarks: a table of processor time, wall time, peak memory and stored bytes, and the ratios to peers in the same run.
#   tests/bench/run.sh [--peers] [--build DIR] [--workload DIR] [--work DIR]
# The workload is a folder with gen0.raw, gen1.raw and so on, states of one guest disk. Without --workload a small one
# of two states is made from the demo's guests. --peers adds restic, borg, zstd and qemu-img on the same images.
set -euo pipefail
cd "$(dirname "$0")/../.."

peers=no build=build/release workload='' work=''
while [ $# -gt 0 ]; do
  case "$1" in
    --peers) peers=yes ;;
    --build) build=$2; shift ;;
    --workload) workload=$2; shift ;;
    --work) work=$2; shift ;;
    *) sed -n '2,4p' "$0" >&2; exit 2 ;;
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
wall_of() { awk -F'\t' -v name="$1" '$1 == name { print $3 }' "$results"; }
size_of() { du -sc --block-size=1 "$@" | tail -n 1 | cut -f1; }
sum() { awk '{ sum += $1 } END { print sum }'; }
ratio() { # label, a, b
  awk -v label="$1" -v a="$2" -v b="$3" 'BEGIN { if (b > 0) printf "%-58s %6.2f   (%s / %s)\n", label, a / b, a, b }'
}
fresh() { sync; cat "$@" >/dev/null; } # Warm cache for everyone alike.

last=0
while [ -f "$workload/gen$((last + 1)).raw" ]; do last=$((last + 1)); done
[ "$last" -gt 0 ] || { echo "bench: $workload has no gen1.raw" >&2; exit 2; }
echo "making images of $((last + 1)) states" >&2
[ -f "$work/gen0.vhdx" ] || qemu-img convert -f raw -O vhdx -o subformat=dynamic "$workload/gen0.raw" "$work/gen0.vhdx"
for ((i = 1; i <= last; ++i)); do
  [ -f "$work/gen$i.vhdx" ] || "$bin/entrepot" image convert "$workload/gen$i.raw" "$work/gen$i.vhdx" --format vhdx-diff --base "$work/gen$((i - 1)).vhdx" >/dev/null
done
echo 'a passphrase for the bench' >"$work/pass"
export ENTREPOT_PASSPHRASE_FILE=$work/pass
data=$work/data
rm -rf "$data" "$work/restic" "$work/restored"*

measure 'init (two key derivations)' "$bin/entrepot" --data "$data" init
measure 'info (one key derivation)' "$bin/entrepot" --data "$data" info
fresh "$work"/gen*.vhdx
measure 'full ingest' "$bin/entrepot" --data "$data" ingest "$work/gen0.vhdx" --vm bench --json
point0=$(jq -r .point "$work/out")
stored() { echo $(($(size_of "$data/repository") - $(size_of "$data/repository/reserve"))); } # Which is room, not content.
full_stored=$(stored)
point=$point0 changed=0
for ((i = 1; i <= last; ++i)); do
  measure "incremental ingest $i" "$bin/entrepot" --data "$data" ingest "$work/gen$i.vhdx" --vm bench --base "$point" --json
  point=$(jq -r .point "$work/out")
  changed=$((changed + $(jq -r '.disks[0].changed_bytes' "$work/out")))
done
increments_stored=$(($(stored) - full_stored))
measure 'restore to raw' "$bin/entrepot" --data "$data" restore disk "$point" 0 --to "$work/restored.raw" --format raw
cmp "$work/restored.raw" "$workload/gen$last.raw"
measure 'verify --depth packs' "$bin/entrepot" --data "$data" verify --depth packs
measure 'verify --depth data' "$bin/entrepot" --data "$data" verify --depth data
measure 'image convert vhdx to raw' "$bin/entrepot" image convert "$work/gen0.vhdx" "$work/converted.raw" --format raw
rm -f "$work/restored.raw" "$work/converted.raw"

if [ "$peers" = yes ]; then
  export RESTIC_REPOSITORY=$work/restic RESTIC_PASSWORD_FILE=$work/pass RESTIC_CACHE_DIR=$work/restic-cache GOMAXPROCS=2
  export BORG_REPO=$work/borg BORG_BASE_DIR=$work/borg-base BORG_PASSPHRASE='a passphrase for the bench'
  rm -rf "$work/tree" "$work/borg" "$work/borg-base"
  mkdir -p "$work/tree"
  restic init >/dev/null
  borg init --encryption repokey-blake2
  for ((i = 0; i <= last; ++i)); do
    rm -f "$work/tree/disk.raw"
    cp --sparse=always "$workload/gen$i.raw" "$work/tree/disk.raw"
    fresh "$work/tree/disk.raw"
    measure "restic backup $i" restic backup --compression auto "$work/tree/disk.raw"
    [ "$i" -gt 0 ] || restic_stored=$(size_of "$work/restic")
    measure "borg create $i" borg create --sparse --chunker-params fixed,65536 --compression zstd,1 "::$i" "$work/tree/disk.raw"
    [ "$i" -gt 0 ] || borg_stored=$(size_of "$work/borg")
  done
  rm -rf "$work/tree"
  measure 'restic restore' restic restore latest --target "$work/restored"
  rm -rf "$work/restored"
  measure 'restic check --read-data' restic check --read-data
  measure 'qemu-img convert vhdx to raw' qemu-img convert -f vhdx -O raw "$work/gen0.vhdx" "$work/converted.raw"
  rm -f "$work/converted.raw"
  one_stream=$(zstd -1 -c --quiet "$workload/gen0.raw" | wc -c)
fi

echo
printf '%-30s %10s %10s %10s\n' step 'cpu s' 'wall s' 'peak MiB'
awk -F'\t' '{ printf "%-30s %10.2f %10.2f %10.0f\n", $1, $2, $3, $4 / 1024 }' "$results"
echo
key=$(cpu_of 'info (one key derivation)')
net() { awk -v a="$(cpu_of "$1")" -v b="$key" 'BEGIN { printf "%.2f", (a > b) ? a - b : 0.01 }'; }
net_of_increments() { for ((i = 1; i <= last; ++i)); do net "incremental ingest $i"; echo; done | sum; }
cpu_of_again() { for ((i = 1; i <= last; ++i)); do cpu_of "$1 $i"; done | sum; }
repository=$data/repository
metadata=$(size_of "$repository/catalog.sqlite" "$repository/index" "$repository/maps" "$repository/manifests")
echo "processor time below is without the key derivation ($key s); increments are all $last together"
ratio 'increments / full ingest, cpu' "$(net_of_increments)" "$(net 'full ingest')"
ratio 'verify packs / verify data, cpu (at most 0.15)' "$(net 'verify --depth packs')" "$(net 'verify --depth data')"
for ((i = 1; i <= last; ++i)); do
  python3 tests/bench/changed_chunks.py "$workload/gen$((i - 1)).raw" "$workload/gen$i.raw"
done >"$work/changed"
ratio 'increments stored / compressed changed chunks (at most 1.05)' "$increments_stored" "$(cut -d' ' -f2 "$work/changed" | sum)"
ratio 'changed bytes reported / changed 64 KiB chunks' "$changed" "$(cut -d' ' -f1 "$work/changed" | sum)"
ratio 'catalog, index, maps, manifests / all stored (under 0.005)' "$metadata" "$(stored)"
if [ "$peers" = yes ]; then
  ratio 'full ingest / restic, cpu (at most 0.55)' "$(net 'full ingest')" "$(cpu_of 'restic backup 0')"
  ratio 'full ingest / borg, cpu (at most 0.9)' "$(net 'full ingest')" "$(cpu_of 'borg create 0')"
  ratio 'full ingest / restic, wall (at most 0.6)' "$(wall_of 'full ingest')" "$(wall_of 'restic backup 0')"
  ratio 'full ingest / borg, wall (at most 0.6)' "$(wall_of 'full ingest')" "$(wall_of 'borg create 0')"
  ratio 'increments / borg, cpu (at most 0.25)' "$(net_of_increments)" "$(cpu_of_again 'borg create')"
  ratio 'increments / restic, cpu' "$(net_of_increments)" "$(cpu_of_again 'restic backup')"
  ratio 'restore to raw / restic restore, cpu (at most 0.7)' "$(net 'restore to raw')" "$(cpu_of 'restic restore')"
  ratio 'verify data / restic check --read-data, cpu (at most 0.7)' "$(net 'verify --depth data')" "$(cpu_of 'restic check --read-data')"
  ratio 'stored after the full / zstd -1 of one stream (at most 1.05)' "$full_stored" "$one_stream"
  ratio 'stored after the full / restic' "$full_stored" "$restic_stored"
  ratio 'stored after the full / borg' "$full_stored" "$borg_stored"
  ratio 'image convert / qemu-img convert, cpu' "$(cpu_of 'image convert vhdx to raw')" "$(cpu_of 'qemu-img convert vhdx to raw')"
fi
echo "stored: full $full_stored, increments $increments_stored, metadata $metadata"
