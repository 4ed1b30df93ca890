#!/bin/bash
# Sets everything up and passes all tests: packages, build with warnings as errors, every suite.
#   packaging/test.sh [ctest arguments]
# ENTREPOT_BUILD names another build folder, ENTREPOT_JOBS the number of parallel jobs.
set -euo pipefail
cd "$(dirname "$0")/.."

packaging/deps.sh build test
# Certificates of the environment must not decide what our own tests trust.
unset SSL_CERT_FILE CURL_CA_BUNDLE AWS_CA_BUNDLE REQUESTS_CA_BUNDLE
build=${ENTREPOT_BUILD:-build/release}
jobs=${ENTREPOT_JOBS:-$(nproc)}

cmake --preset release -B "$build"
cmake --build "$build" -j "$jobs"
ctest --test-dir "$build" --output-on-failure -j "$jobs" "$@"
