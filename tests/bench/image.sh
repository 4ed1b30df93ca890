#!/bin/bash
# Image conversion against qemu-img and cp: processor time, wall time and the ratios, medians of one run on one core.
#   tests/bench/image.sh [--build DIR] [--work DIR] [--size-mib N] [--runs N] [--core N]
# The disk is made here: runs of data, zeros and holes of 64 KiB to 16 MiB, seven tenths of it data. Every tool reads the
# same files from the system's cache. Our file is synced when it appears; qemu-img syncs only with -t writeback, cp never:
# their columns say which. The work directory decides what is measured: a disk, or memory.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=build/release work='' size_mib=3072 runs=5 core=1
while [ $# -gt 0 ]; do
  case "$1" in
    --build) build=$2; shift ;;
    --work) work=$2; shift ;;
    --size-mib) size_mib=$2; shift ;;
    --runs) runs=$2; shift ;;
    --core) core=$2; shift ;;
    *) sed -n '2,6p' "$0" >&2; exit 2 ;;
  esac
  shift
done
entrepot=$PWD/$build/bin/entrepot
made=''
[ -n "$work" ] || { work=$(mktemp -d); made=$work; }
mkdir -p "$work"
cd "$work"
files=(source.raw dynamic.vhdx fixed.vhdx target times results)
trap 'rm -f "${files[@]}"; cd /; [ -z "$made" ] || rmdir "$made"' EXIT

python3 - source.raw "$size_mib" <<'PY'
import random, sys
path, size = sys.argv[1], int(sys.argv[2]) << 20
chance = random.Random(5)
noise = chance.randbytes(1 << 20)
position = 0
with open(path, "wb") as disk:
    disk.truncate(size)
    while position < size:
        length = min(chance.choice([64, 256, 1024, 4096, 16384]) << 10, size - position)
        kind = chance.random()
        disk.seek(position)
        if kind < 0.7:
            for at in range(0, length, len(noise)):
                part = min(len(noise), length - at)
                disk.write((position + at).to_bytes(8, "little") + noise[8:part])
        elif kind < 0.8:
            disk.write(bytes(length))
        position += length
PY
qemu-img convert -f raw -O vhdx -o subformat=dynamic source.raw dynamic.vhdx
"$entrepot" image convert source.raw fixed.vhdx --format vhdx-fixed >/dev/null
sync

# Runs a command that writes the file "target"; notes name, processor seconds, wall seconds, peak KiB.
measure() { # name, command...
  local name=$1
  shift
  rm -f target
  taskset -c "$core" /usr/bin/time -f '%U %S %e %M' -o times "$@" >/dev/null
  awk -v name="$name" '{ printf "%s\t%.2f\t%.2f\t%d\n", name, $1 + $2, $3, $4 }' times >>results
}
: >results
for ((run = 0; run < runs; ++run)); do
  measure 'entrepot dynamic to raw' "$entrepot" image convert dynamic.vhdx target --format raw
  [ "$run" -gt 0 ] || cmp target source.raw
  measure 'qemu-img dynamic to raw, no sync' qemu-img convert -f vhdx -O raw dynamic.vhdx target
  [ "$run" -gt 0 ] || cmp target source.raw
  measure 'qemu-img dynamic to raw, synced' qemu-img convert -t writeback -f vhdx -O raw dynamic.vhdx target
  measure 'entrepot fixed to raw' "$entrepot" image convert fixed.vhdx target --format raw
  [ "$run" -gt 0 ] || cmp target source.raw
  measure 'cp --sparse=always of fixed, no sync' cp --sparse=always fixed.vhdx target
  measure 'cp --sparse=always of fixed, synced' sh -c 'cp --sparse=always fixed.vhdx target && sync target'
done

median() { # name, column
  awk -F'\t' -v name="$1" -v column="$2" '$1 == name { print $column }' results | sort -n |
    awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}
ratio() { # label, a, b
  awk -v label="$1" -v a="$2" -v b="$3" 'BEGIN { if (b > 0) printf "%-66s %5.2f   (%s / %s)\n", label, a / b, a, b }'
}
echo "$size_mib MiB on $(stat -f -c %T .), median of $runs, core $core"
printf '%-40s %8s %8s %10s\n' what 'cpu s' 'wall s' 'peak MiB'
cut -f1 results | sort -u | while IFS= read -r name; do
  printf '%-40s %8s %8s %10.0f\n' "$name" "$(median "$name" 2)" "$(median "$name" 3)" "$(($(median "$name" 4) / 1024))"
done
echo
ours=('entrepot dynamic to raw' 'entrepot fixed to raw')
ratio 'dynamic, processor time: entrepot / qemu-img (at most 0.8)' "$(median "${ours[0]}" 2)" "$(median 'qemu-img dynamic to raw, no sync' 2)"
ratio 'dynamic, throughput: entrepot / qemu-img, synced (at least 1.2)' "$(median 'qemu-img dynamic to raw, synced' 3)" "$(median "${ours[0]}" 3)"
ratio 'dynamic, throughput: entrepot, synced / qemu-img, no sync' "$(median 'qemu-img dynamic to raw, no sync' 3)" "$(median "${ours[0]}" 3)"
ratio 'fixed, throughput: entrepot / cp, synced (at least 1)' "$(median 'cp --sparse=always of fixed, synced' 3)" "$(median "${ours[1]}" 3)"
ratio 'fixed, throughput: entrepot, synced / cp, no sync' "$(median 'cp --sparse=always of fixed, no sync' 3)" "$(median "${ours[1]}" 3)"
