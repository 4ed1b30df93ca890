#!/bin/bash
# Runs each fuzz target for a while, one after another, and fails if one of them found something.
# usage: tests/fuzz/nightly.sh [SECONDS_EACH=1800] [TARGET...]     needs clang-14; build folder: build/fuzz
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-1800}
shift || true

cmake --preset fuzz > /dev/null
cmake --build --preset fuzz
# What is found lands here, named after its target; what was learnt stays for the next night.
work=build/fuzz/nightly
mkdir -p "$work"
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for folder in tests/fuzz/corpus/*/; do targets+=("$(basename "$folder")"); done
fi

# What was freed need not be kept for long: the images are small, and there are many.
export ASAN_OPTIONS=quarantine_size_mb=16:allocator_release_to_os_interval_ms=-1
failed=()
for target in "${targets[@]}"; do
    mkdir -p "$work/$target"
    log=$work/$target.log
    # An input that takes a minute (of the clock: others may want the machine, too) or 512 MiB is a finding too.
    if nice -n 19 "build/fuzz/bin/fuzz_$target" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=512 \
        -max_len=16384 -print_final_stats=1 -artifact_prefix="$work/$target-" \
        "$work/$target" "tests/fuzz/corpus/$target" > "$log" 2>&1; then
        echo "$target: $(awk '/stat::number_of_executed_units/ {print $2}' "$log") inputs, nothing found"
    else
        echo "$target: FOUND SOMETHING, see $log"
        tail -n 40 "$log"
        failed+=("$target")
    fi
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "found something: ${failed[*]}"
    exit 1
fi
