#!/bin/bash
# Sets everything up and shows the main job: three guests, a simulated Hyper-V host, the appliance with its own share;
# a full and an incremental backup, a restore that is compared byte for byte, and the console.
#   packaging/demo.sh [--once]       --once: do it all, stop everything, exit 0
# ENTREPOT_BUILD names another build folder, ENTREPOT_DEMO the demo's own folder (made anew each time). As root: the share's
# file server takes the identity of the hosts' accounts (entrepot-share-01 and on), which are made if they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."

once=no
case "${1:-}" in
  '') ;;
  --once) once=yes ;;
  *) sed -n '2,6p' "$0" >&2; exit 2 ;;
esac
[ "$(id -u)" -eq 0 ] || { echo "demo.sh: run it as root: it serves a share with accounts of its own" >&2; exit 1; }

packaging/deps.sh build demo
unset SSL_CERT_FILE CURL_CA_BUNDLE AWS_CA_BUNDLE REQUESTS_CA_BUNDLE
build=${ENTREPOT_BUILD:-build/release}
demo=${ENTREPOT_DEMO:-$PWD/build/demo}
say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

say 'Building'
cmake --preset release -B "$build" >/dev/null
cmake --build "$build" --target entrepot entrepotd entrepot-hostsim
bin=$PWD/$build/bin

# The folder is deleted and made anew, so it must be one of ours.
if [ -e "$demo" ] && [ ! -e "$demo/.entrepot-demo" ]; then
  echo "demo.sh: $demo exists and is not a demo's folder; name another with ENTREPOT_DEMO" >&2
  exit 1
fi
rm -rf "$demo"
mkdir -p "$demo"
touch "$demo/.entrepot-demo"
# The hosts' accounts must get to it, which they would not below root's home.
share=$(mktemp -d /var/tmp/entrepot-demo-share.XXXXXX)
chmod 755 "$share"

pids=()
stop_everything() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$share"
}
trap stop_everything EXIT
trap 'exit 130' INT TERM

free_port() { local port; for port in $(seq "$1" $(($1 + 200))); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }; done; exit 1; }
wait_for() { # what, command...
  local what=$1
  shift
  for _ in $(seq 150); do if "$@" >/dev/null 2>&1; then return; fi; sleep 0.2; done
  echo "demo.sh: $what did not come up; see $demo/*.log" >&2
  exit 1
}
entrepot() { "$bin/entrepot" --data "$demo/data" "$@"; }

say 'Making three guests with real file systems'
packaging/demo/guests.sh make "$demo/guests"
ls -sh --block-size=M "$demo/guests"

say 'Setting the appliance up'
(umask 077; openssl rand -base64 18 >"$demo/passphrase"; printf 'Passw0rd!' >"$demo/host-password")
export ENTREPOT_PASSPHRASE_FILE=$demo/passphrase
entrepot init
console_port=$(free_port 8443)
printf '[hosts]\nallow_loopback = true\n' >"$demo/entrepot.toml"
"$bin/entrepotd" --data "$demo/data" --config "$demo/entrepot.toml" --listen "127.0.0.1:$console_port" --passphrase-file "$demo/passphrase" >"$demo/entrepotd.log" 2>&1 &
pids+=($!)
wait_for 'entrepotd' curl -skf "https://127.0.0.1:$console_port/readyz"

say 'A share that the appliance serves, and the host'
entrepot share setup --accounts 4
smb_port=$(free_port 24450)
entrepot share add exports --managed --unc '\\appliance\exports' --path "$share" --listen "127.0.0.1:$smb_port"
host_port=$(free_port 25986)
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=HV01 -addext 'subjectAltName=IP:127.0.0.1' -keyout "$demo/hv01.key" -out "$demo/hv01.pem" 2>/dev/null
pin=$(openssl x509 -in "$demo/hv01.pem" -outform DER | sha256sum | cut -d' ' -f1)
entrepot host add hv01 --url "https://127.0.0.1:$host_port/wsman" --auth ntlm --user 'HV01\backup' --password-file "$demo/host-password" --pin "$pin"
(umask 077; entrepot share credentials hv01 --json >"$demo/hv01-share.json")
jq -r '"Account \(.account); on a real host an administrator would now paste:", (.commands[] | "  # \(.title)", "  \(.command)")' "$demo/hv01-share.json"

say 'Starting the simulated Hyper-V host HV01, which writes to the share under that account'
cat >"$demo/hostsim.json" <<JSON
{ "listen": "127.0.0.1:$host_port", "tls": {"certificate": "$demo/hv01.pem", "key": "$demo/hv01.key"},
  "host": {"name": "HV01", "os_build": 20348, "schema": "windows-server-2019"},
  "users": [{"name": "HV01\\\\backup", "password": "Passw0rd!", "groups": ["Administrators"]}],
  "shares": [{"unc": "\\\\\\\\appliance\\\\exports", "smb": {"server": "127.0.0.1", "port": $smb_port, "user": "$(jq -r .account "$demo/hv01-share.json")", "password": "$(jq -r .password "$demo/hv01-share.json")"}}],
  "state": "$demo/hv01",
  "virtual_machines": [
    {"id": "0A5E4C1E-5A0B-4D6C-9C51-0D1B6F0C0001", "name": "web01", "generation": 2, "version": "10.0", "state": "running", "guest_vss": true,
     "disks": [{"raw": "$demo/guests/web01.raw", "controller": "scsi", "location": 0, "format": "vhdx"}]},
    {"id": "0A5E4C1E-5A0B-4D6C-9C51-0D1B6F0C0002", "name": "files01", "generation": 2, "version": "10.0", "state": "running", "guest_vss": true,
     "disks": [{"raw": "$demo/guests/files01-docs.raw", "controller": "scsi", "location": 0, "format": "vhdx"},
               {"raw": "$demo/guests/files01-data.raw", "controller": "scsi", "location": 1, "format": "vhdx", "logical_sector_size": 4096}]},
    {"id": "0A5E4C1E-5A0B-4D6C-9C51-0D1B6F0C0003", "name": "db01", "generation": 1, "version": "10.0", "state": "running", "guest_vss": true,
     "disks": [{"raw": "$demo/guests/db01.raw", "controller": "ide", "location": 0, "format": "vhdx"}]}],
  "seed": 0, "speed": {"export_bytes_per_second": 0, "job_step_ms": 100} }
JSON
"$bin/entrepot-hostsim" --config "$demo/hostsim.json" >"$demo/hostsim.log" 2>&1 &
pids+=($!)
wait_for 'the simulated host' bash -c "exec 3<>/dev/tcp/127.0.0.1/$host_port"
entrepot vm list

say 'First backup: in full'
entrepot backup --all

say 'A working day passes in the guests'
packaging/demo/guests.sh change "$demo/guests"

say 'Second backup: only what changed'
entrepot backup --all
entrepot point list
entrepot info

say 'Restoring disk 0 of web01 and comparing it with the guest'
entrepot restore disk web01@latest 0 --to "$demo/restored.raw" --format raw
cmp "$demo/restored.raw" "$demo/guests/web01.raw"
echo "identical: $(sha256sum <"$demo/restored.raw" | cut -d' ' -f1)"

say 'A policy for every night'
entrepot policy add nightly --vms '*' --calendar '*-*-* 01:30:00' --keep-last 3 --keep-daily 7 --keep-weekly 4
entrepot policy list

say 'A user for the console'
(umask 077; openssl rand -base64 18 >"$demo/console-password")
entrepot user add admin --role administrator --password-file "$demo/console-password"
entrepot audit verify

say 'The console'
echo "https://127.0.0.1:$console_port/  user admin, password $(cat "$demo/console-password")"
if [ "$once" = yes ]; then
  curl -skf "https://127.0.0.1:$console_port/" | grep -q '<title>'
  say 'Done'
  exit 0
fi
echo "Open it in a browser (its certificate is self-made)."
echo "On the command line:  export ENTREPOT_PASSPHRASE_FILE=$demo/passphrase; $bin/entrepot --data $demo/data --help"
echo 'Everything runs until you press Ctrl-C.'
wait "${pids[@]}"
