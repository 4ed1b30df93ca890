#!/bin/bash
# Sets everything up and passes all tests: packages, build with warnings as errors, every suite.
#   packaging/test.sh [ctest arguments]
# ENTREPOT_BUILD names another build folder, ENTREPOT_JOBS the number of parallel jobs.
set -euo pipefail
cd "$(dirname "$0")/.."

packaging/deps.sh build test
# Certificates of the environment must not decide what our own tests trust.
unset SSL_CERT_FILE CURL_CA_BUNDLE AWS_CA_BUNDLE REQUESTS_CA_BUNDLE
# Most tests wait for disks; in memory the suites take a tenth of the time. They need a few GiB.
if [ -z "${TMPDIR:-}" ] && [ "$(df --output=avail --block-size=G /dev/shm 2>/dev/null | tr -dc '0-9\n' | tail -n 1)" -ge 8 ] 2>/dev/null; then
  export TMPDIR=/dev/shm
fi
build=${ENTREPOT_BUILD:-build/release}
jobs=${ENTREPOT_JOBS:-$(nproc)}

cmake --preset release -B "$build"
cmake --build "$build" -j "$jobs"
# One more than there are cores: many tests wait for a host, a job or a time-out.
ctest --test-dir "$build" --output-on-failure -j "$((jobs + 1))" "$@"
