#!/bin/bash
# Makes the demo's guests: raw disks with partitions, real file systems and real files, without root's loop mounts.
#   guests.sh make DIR      three guests, four disks
#   guests.sh change DIR    what a working day changes in them
set -euo pipefail
export PATH="/usr/sbin:/sbin:$PATH" LC_ALL=C.UTF-8

[ $# -eq 2 ] || { sed -n '2,4p' "$0" >&2; exit 2; }
action=$1
dir=$2
first_byte=1048576 # Partitions begin at 1 MiB, as installers do.

# A disk with one GPT partition that holds the file system in FILE.
wrap() { # disk, size, type code, label, file
  truncate -s "$2" "$1"
  sgdisk --new=1:2048:0 --typecode=1:"$3" --change-name=1:"$4" "$1" >/dev/null
  dd if="$5" of="$1" bs=1M seek=1 conv=notrunc,sparse status=none
  rm "$5"
}

some_text() { # lines
  seq 1 "$1" | awk '{ printf "%08d order %d shipped to customer %d, invoice %x pending\n", $1, $1 * 7919 % 100003, $1 % 977, $1 * 31 }'
}

make_web() { # ext4: a web server's tree, taken from files that every Debian has
  local tree
  tree=$(mktemp -d)
  mkdir -p "$tree/etc" "$tree/var/www/html" "$tree/var/log/nginx" "$tree/usr/share/doc"
  cp -r /etc/ssl/certs /etc/passwd /etc/services "$tree/etc/" 2>/dev/null || true
  cp -r /usr/share/common-licenses /usr/share/perl5 "$tree/usr/share/doc/" 2>/dev/null || true
  printf '<!doctype html><title>web01</title><h1>It works</h1>\n' >"$tree/var/www/html/index.html"
  some_text 40000 >"$tree/var/log/nginx/access.log"
  mkfs.ext4 -q -F -L web01 -d "$tree" "$dir/web.fs" 380M >/dev/null
  wrap "$dir/web01.raw" 400M 8300 root "$dir/web.fs"
  rm -rf "$tree"
}

make_files() { # FAT32 with documents of many names, and an ext4 data disk with 4096-byte sectors on the host's side
  local name tree
  truncate -s 140M "$dir/docs.fs"
  mkfs.vfat -F 32 -n DOCS "$dir/docs.fs" >/dev/null
  mmd -i "$dir/docs.fs" ::/2025 ::/2026
  for name in "Quarterly report.txt" "Ärzte & Söhne.txt" "契約書.txt"; do
    some_text 5000 >"$dir/one"
    mcopy -i "$dir/docs.fs" "$dir/one" "::/2026/$name"
  done
  rm "$dir/one"
  wrap "$dir/files01-docs.raw" 160M 0700 docs "$dir/docs.fs"
  tree=$(mktemp -d)
  mkdir "$tree/archive"
  some_text 200000 | gzip -1 >"$tree/archive/orders.gz"
  mkfs.ext4 -q -F -L data -d "$tree" "$dir/data.fs" 180M >/dev/null
  wrap "$dir/files01-data.raw" 200M 8300 data "$dir/data.fs"
  rm -rf "$tree"
}

make_db() { # ext4 with one large table file
  local tree
  tree=$(mktemp -d)
  mkdir -p "$tree/var/lib/shop"
  some_text 900000 >"$tree/var/lib/shop/orders.table"
  mkfs.ext4 -q -F -L db01 -d "$tree" "$dir/db.fs" 280M >/dev/null
  wrap "$dir/db01.raw" 300M 8300 root "$dir/db.fs"
  rm -rf "$tree"
}

change_ext() { # disk, local file, name in the guest
  debugfs -w -R "rm $3" "$1?offset=$first_byte" >/dev/null 2>&1
  debugfs -w -R "write $2 $3" "$1?offset=$first_byte" >/dev/null 2>&1
}

case "$action" in
  make)
    mkdir -p "$dir"
    make_web
    make_files
    make_db
    ;;
  change)
    some_text 44000 >"$dir/one"
    change_ext "$dir/web01.raw" "$dir/one" /var/log/nginx/access.log
    printf '<!doctype html><title>web01</title><h1>It still works</h1>\n' >"$dir/one"
    change_ext "$dir/web01.raw" "$dir/one" /var/www/html/index.html
    some_text 8000 >"$dir/one"
    mcopy -o -i "$dir/files01-docs.raw@@$first_byte" "$dir/one" "::/2026/Minutes of the meeting.txt"
    mdel -i "$dir/files01-docs.raw@@$first_byte" "::/2026/契約書.txt"
    some_text 20000 >"$dir/one"
    change_ext "$dir/db01.raw" "$dir/one" /var/lib/shop/orders.new
    rm "$dir/one"
    ;;
  *) exit 2 ;;
esac
