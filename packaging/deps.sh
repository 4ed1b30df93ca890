#!/bin/bash
# Installs what building, running and testing need from Debian 12's packages, and verifies it. Nothing else.
#   packaging/deps.sh [build|test|demo|fuzz]...     default: build test demo
set -euo pipefail

build_packages=(
  g++ cmake ninja-build ccache pkg-config make
  libpoco-dev libfmt-dev nlohmann-json3-dev libssl-dev libsodium-dev libzstd-dev libcurl4-openssl-dev
  librocksdb-dev libcli11-dev libpugixml-dev libtomlplusplus-dev libsqlite3-dev libkrb5-dev libsmbclient-dev
  libtsk-dev libseccomp-dev zlib1g-dev
  catch2 nodejs npm ca-certificates tzdata
)
run_packages=(gss-ntlmssp samba samba-common-bin samba-vfs-modules smbclient qemu-utils openssl procps passwd util-linux)
test_packages=(
  clang-format-14 python3 git libvhdi-utils libvhdi-dev p7zip-full e2fsprogs mtools dosfstools ntfs-3g gdisk systemd
  chromium curl jq attr zstd strace rsync xfsprogs
  krb5-kdc krb5-admin-server krb5-user samba-testsuite python3-winrm python3-requests-ntlm python3-requests-kerberos
)
demo_packages=(e2fsprogs mtools dosfstools gdisk curl jq)
# Only for tests/fuzz/nightly.sh: the compiler, and its runtime with libFuzzer, ASan and UBSan.
fuzz_packages=(clang-14 libclang-rt-14-dev)

[ $# -gt 0 ] || set -- build test demo
packages=("${run_packages[@]}")
for part in "$@"; do
  case "$part" in
    build) packages+=("${build_packages[@]}") ;;
    test) packages+=("${test_packages[@]}") ;;
    demo) packages+=("${demo_packages[@]}") ;;
    fuzz) packages+=("${fuzz_packages[@]}") ;;
    *) echo "deps.sh: unknown part '$part' (build, test, demo, fuzz)" >&2; exit 2 ;;
  esac
done

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# A Node that did not come from Debian is as good, if it is new enough.
has_node() { command -v node >/dev/null && command -v npm >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ]; }

missing=()
for package in "${packages[@]}"; do
  case "$package" in nodejs | npm) if has_node; then continue; fi ;; esac
  is_installed "$package" || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "deps.sh: these packages are missing; as root run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "deps.sh: installing ${#missing[@]} packages" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # Maintainer scripts must not start services: we run what we need ourselves, on loopback.
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

for package in "${packages[@]}"; do
  case "$package" in nodejs | npm) if has_node; then continue; fi ;; esac
  is_installed "$package" || { echo "deps.sh: $package is still missing" >&2; exit 1; }
done
echo "deps.sh: all ${#packages[@]} packages are there" >&2
