#!/bin/bash
# Fetches Debian source packages, without touching the system's apt configuration: its package
# lists, cache and state are under build/. The mirrors are the machine's own.
# Called by build.sh. Needs dpkg-dev.
#
# usage: fetch.sh FOLDER PACKAGE...     unpacks PACKAGE into FOLDER/PACKAGE, once
set -eu
[ $# -ge 2 ] || { echo "usage: fetch.sh FOLDER PACKAGE..." >&2 && exit 2; }
mkdir -p "$1" && cd "$1"
shift
here=$PWD

missing=()
for package; do
    [ -e "$package/.unpacked" ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

# The releases of this Debian that the machine gets its packages from, as source entries. Apt
# itself reads its configuration, whichever of its formats that is in.
. /etc/os-release
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
signed=
[ -e "$keyring" ] && signed="[signed-by=$keyring] "
mkdir -p apt/lists/partial apt/archives/partial
apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    LC_ALL=C sort -u | # the release itself comes first: its packages stay on the mirrors
    while read -r release component uri; do
        case $release in
        "$VERSION_CODENAME" | "$VERSION_CODENAME"-updates | "$VERSION_CODENAME"-security)
            echo "deb-src $signed$uri $release $component" ;;
        esac
    done >apt/sources.list
[ -s apt/sources.list ] ||
    { echo "fetch.sh: no entry for $VERSION_CODENAME, in apt's sources" >&2 && exit 1; }

quietly() { # what fails speaks
    "$@" >"$here/apt/log" 2>&1 || { cat "$here/apt/log" >&2 && return 1; }
}
options=(-qq -o Dir::Etc::SourceList="$here/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists="$here/apt/lists" -o Dir::Cache="$here/apt"
    -o APT::Sandbox::User=root -o Acquire::Retries=5)
quietly apt-get "${options[@]}" update
for package in "${missing[@]}"; do
    rm -rf "$package" apt/source && mkdir -p apt/source
    (cd apt/source && quietly apt-get "${options[@]}" source --download-only "$package" &&
        quietly dpkg-source -x ./*.dsc "$here/$package")
    touch "$package/.unpacked"
done
