#!/bin/sh
# Packs what the machines of a site need into one archive, which unpacks as the folder `changeover`:
#
#   sh deploy/pack.sh [PROGRAM [ARCHIVE]]      default: target/release/changeover changeover.tar.gz
#
# PROGRAM carries every component. install.sh, in the archive, installs it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=${1:-$here/../target/release/changeover}
archive=${2:-changeover.tar.gz}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/changeover"
# Symbols of a build for debugging are several times the program itself.
strip -o "$folder/changeover/changeover" "$program" 2>/dev/null || cp "$program" "$folder/changeover/changeover"
chmod 755 "$folder/changeover/changeover"
cp -R "$here/install.sh" "$here/systemd" "$here/sysctl.d" "$here/sysusers.d" "$here/examples" "$folder/changeover/"
tar -C "$folder" -czf "$archive" changeover
echo "$archive: $(du -h "$archive" | cut -f1)"
