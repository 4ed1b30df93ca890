#!/bin/bash
# Runs one private smbd on a loopback port for the demo and the tests: its own state, nothing of the system's Samba.
#   serve.sh start WORKDIR SHARE_DIR     prints and keeps (WORKDIR/env) SMB_PORT, SMB_SHARE, SMB_USER, SMB_PASSWORD_FILE, SMB_PID
#   serve.sh stop WORKDIR
# A real appliance serves its share with a system user of its own; see packaging/doc.
set -euo pipefail
export PATH="/usr/sbin:/sbin:$PATH"

usage() { sed -n '2,4p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
action=$1
mkdir -p "$2"
work=$(cd "$2" && pwd -P)
user=entrepot-export
share=exports

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

write_configuration() { # port, directory
  mkdir -p "$work"/{run,lock,state,cache,private,log,ncalrpc}
  chmod 700 "$work/private"
  # Samba wants a system account behind every name. The demo borrows root's, a product must not.
  echo "root = $user" >"$work/users.map"
  cat >"$work/smb.conf" <<CONF
[global]
  server role = standalone server
  workgroup = ENTREPOT
  netbios name = APPLIANCE
  interfaces = 127.0.0.1/8
  bind interfaces only = yes
  smb ports = $1
  disable netbios = yes
  load printers = no
  printcap name = /dev/null
  server min protocol = SMB3
  server smb encrypt = required
  server signing = mandatory
  map to guest = never
  username map = $work/users.map
  passdb backend = tdbsam:$work/private/passdb.tdb
  private dir = $work/private
  state directory = $work/state
  cache directory = $work/cache
  lock directory = $work/lock
  pid directory = $work/run
  ncalrpc dir = $work/ncalrpc
  log file = $work/log/smbd.log
  log level = 1
  max log size = 10000
[$share]
  path = $2
  valid users = root
  read only = no
  strict allocate = no
  store dos attributes = no
  create mask = 0660
  directory mask = 0770
  follow symlinks = no
  veto files = /.taken/
CONF
}

start() {
  local directory port password
  mkdir -p "$1"
  directory=$(cd "$1" && pwd -P)
  # One at a time until its port is taken: smbd shares a port with another smbd without a word, and then each gets
  # the other's clients. What is locked is a file that all of them have.
  exec 9<"$(command -v smbd)"
  flock --timeout 60 9
  for port in $(seq 24450 24950); do if is_free "$port"; then break; fi; done
  is_free "$port" || { echo "serve.sh: no free port" >&2; exit 1; }
  write_configuration "$port" "$directory"
  if [ ! -s "$work/password" ]; then
    (umask 077 && openssl rand -hex 16 | tr -d '\n' >"$work/password")
  fi
  password=$(cat "$work/password")
  printf '%s\n%s\n' "$password" "$password" | smbpasswd -c "$work/smb.conf" -L -s -a root >/dev/null 2>&1
  # In the foreground of its own session, so that stopping is one signal to one process group.
  setsid smbd --foreground --no-process-group --configfile="$work/smb.conf" </dev/null >"$work/log/stdout" 2>&1 9<&- &
  local pid=$!
  for _ in $(seq 100); do
    if ! is_free "$port"; then
      cat >"$work/env" <<ENV
SMB_PORT=$port
SMB_SHARE=$share
SMB_USER=$user
SMB_PASSWORD_FILE=$work/password
SMB_PID=$pid
ENV
      cat "$work/env"
      return
    fi
    kill -0 "$pid" 2>/dev/null || { echo "serve.sh: smbd ended; see $work/log" >&2; exit 1; }
    sleep 0.1
  done
  echo "serve.sh: smbd did not come up; see $work/log" >&2
  exit 1
}

stop() {
  [ -s "$work/env" ] || return 0
  # shellcheck disable=SC1091
  . "$work/env"
  if tr '\0' ' ' 2>/dev/null <"/proc/$SMB_PID/cmdline" | grep -qF "$work/smb.conf"; then kill "$SMB_PID"; fi
  rm -f "$work/env"
}

case "$action" in
  start) [ $# -eq 3 ] || usage; start "$3" ;;
  stop) stop ;;
  *) usage ;;
esac
