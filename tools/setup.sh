# shellcheck shell=bash
# tools/setup.sh - what tools/run and tools/test share; to be sourced.
#
# Sets ROOT, the top of the source tree. Nothing here runs apt unless something
# is missing, so that a second run starts immediately.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

EX_UNAVAILABLE=69

# One line a package: the package, and a test that it is there.
have_package() {
    case $1 in
    gcc) command -v gcc ;;
    libc6-dev) test -e /usr/include/stdio.h ;;
    meson) command -v meson ;;
    ninja-build) command -v ninja ;;
    pkg-config) command -v pkg-config ;;
    check) test -e /usr/include/check.h ;;
    python3) test -x /usr/bin/python3 ;;
    clang) command -v clang ;;
    clang-format-14) command -v clang-format-14 ;;
    valgrind) command -v valgrind ;;
    memcached) command -v memcached ;;
    nutcracker) command -v nutcracker ;;
    libmemcached-tools) command -v memccapable ;;
    python3-pymemcache) /usr/bin/python3 -c 'import pymemcache' ;;
    *) dpkg -s "$1" ;;
    esac >/dev/null 2>&1
}

missing_packages() {
    local package
    for package in "$@"; do
        have_package "$package" || printf '%s ' "$package"
    done
}

# Make sure that all of these are installed, or say which are not and leave.
need_packages() {
    local missing
    missing=$(missing_packages "$@")
    missing=${missing% }
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "$0: missing packages: $missing" >&2
        echo "$0: install them as root: apt-get install --no-install-recommends $missing" >&2
        exit "$EX_UNAVAILABLE"
    fi
    echo "installing: $missing" >&2
    install_packages "$missing" || {
        echo "$0: apt-get could not install: $missing" >&2
        exit "$EX_UNAVAILABLE"
    }
}

# $1: package names, separated by spaces.
install_packages() {
    local -a names
    read -r -a names <<<"$1"
    {
        apt-get -qq update
        DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends \
            "${names[@]}"
    } >&2
}

# configure DIR [meson options]: once; ninja notices by itself when meson files change.
configure() {
    local dir=$1
    shift
    [ -e "$dir/build.ninja" ] && return 0
    rm -rf "$dir"
    meson setup "$@" "$dir" "$ROOT" >"$dir.log" 2>&1 || {
        cat "$dir.log" >&2
        return 1
    }
    mv "$dir.log" "$dir/setup.log"
}

# Let a warning fail the build in DIR, which may have been configured before.
forbid_warnings() {
    python3 - "$1/meson-info/intro-buildoptions.json" <<'EOT' || meson configure -Dwerror=true "$1"
import json, sys
with open(sys.argv[1], encoding="utf-8") as f:
    sys.exit(not any(o["name"] == "werror" and o["value"] for o in json.load(f)))
EOT
}

# compile DIR [targets]: silent unless it fails.
compile() {
    local dir=$1 log
    shift
    log=$(ninja -C "$dir" "$@" 2>&1) || {
        grep -v '^\[[0-9]*/[0-9]*\]' <<<"$log" >&2
        return 1
    }
}
