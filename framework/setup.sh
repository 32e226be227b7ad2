#!/bin/sh
# Sets nstx up: installs what is missing where that is allowed, configures, builds. Everything it says goes to standard
# error; when all is there it says next to nothing.
#
#     framework/setup.sh [FOLDER [TARGETS [CMAKE-OPTION...]]]     the usual: build nstx; TARGETS include it
#
# Exit codes: 0 built; 1 the build failed; 2 something is missing that only you can install.

root=$(CDPATH= cd "$(dirname "$0")/.." && pwd -P) || exit 1
folder=$root/${1:-build} targets=${2:-nstx}
shift $(($# < 2 ? $# : 2))
exec >&2

# ---- what is needed: a kind, how it is found, Debian's package ----

needed='
command cc             gcc
command pkg-config     pkg-config
command cmake          cmake
command ninja|make     ninja-build
module  OpenCL         ocl-icd-opencl-dev
module  OpenCL-Headers opencl-headers
module  clblast        libclblast-dev
module  hdf5           libhdf5-dev
module  inih           libinih-dev
module  libturbojpeg   libturbojpeg0-dev
module  libpng         libpng-dev
module  libwebp        libwebp-dev
module  libcjson       libcjson-dev
module  libzip         libzip-dev
module  zlib           zlib1g-dev
module  libxxhash      libxxhash-dev
module  cairo          libcairo2-dev
module  libcurl        libcurl4-openssl-dev
module  libcrypto      libssl-dev
module  cmocka         libcmocka-dev
driver  OpenCL         pocl-opencl-icd
'

have()
{
    case $1 in
    command) command -v "${2%|*}" || command -v "${2#*|}" ;;
    module) pkg-config --exists "$2" ;;
    driver) [ -n "$OCL_ICD_VENDORS" ] || ls /etc/OpenCL/vendors/*.icd ;;
    esac >/dev/null 2>&1
}

# Sets missing, in words, and packages.
look()
{
    missing= packages=
    while read -r kind name package; do
        [ -z "$kind" ] || have "$kind" "$name" && continue
        missing="$missing${missing:+, }$name ($kind)" packages="$packages $package"
    done <<END
$needed
END
}

# The command line that runs apt-get here without a question, if there is one.
apt()
{
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive apt-get "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive apt-get "$@"
    fi
}
may_install()
{
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

look
if [ -n "$packages" ] && may_install; then
    echo "nstx: installing$packages"
    apt -qq update
    apt -qq install -y --no-install-recommends $packages >/dev/null
    look
fi

# NVIDIA's driver is often there without the one line that announces it.
if ldconfig -p 2>/dev/null | grep -q 'libnvidia-opencl\.so\.1' && ! grep -qs nvidia /etc/OpenCL/vendors/*.icd; then
    echo 'nstx: an NVIDIA driver is here, but OpenCL has not been told of it. As root:'
    echo '  mkdir -p /etc/OpenCL/vendors && echo libnvidia-opencl.so.1 > /etc/OpenCL/vendors/nvidia.icd'
fi

if [ "$packages" = ' pocl-opencl-icd' ]; then # enough to build, too little to run
    echo 'nstx: no OpenCL driver is installed; for CPUs: apt-get install -y --no-install-recommends pocl-opencl-icd'
elif [ -n "$packages" ]; then
    echo "nstx: missing: $missing"
    if command -v apt-get >/dev/null; then
        echo 'Please run'
        echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$packages"
        echo 'and try again.'
    else
        echo 'Please install them with their headers (Debian calls them'"$packages) and try again."
    fi
    exit 2
fi

# ---- configure and build, one at a time ----

mkdir -p "$folder" || exit 1
command -v flock >/dev/null && exec 9>"$folder/lock" && flock 9
log=$folder/setup.log begun=$folder/stamp.new
: >"$begun" # what is edited from here on is newer

# A build folder that was copied or moved with the source remembers the old place.
if ! grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then
    rm -rf "$folder/CMakeCache.txt" "$folder/CMakeFiles" "$folder/build.ninja" "$folder/Makefile"
fi
if [ ! -e "$folder/build.ninja" ] && [ ! -e "$folder/Makefile" ]; then
    generator='Unix Makefiles'
    command -v ninja >/dev/null && generator=Ninja
    rm -f "$folder/CMakeCache.txt" # of a try that failed
    cmake -S "$root" -B "$folder" -G "$generator" "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }
fi

[ -e "$folder/stamp" ] || echo 'nstx: building'
jobs=$(nproc 2>/dev/null || echo 2)
if [ -t 2 ]; then
    cmake --build "$folder" -j "$jobs" --target $targets || exit 1
else
    cmake --build "$folder" -j "$jobs" --target $targets >"$log" 2>&1 || { cat "$log"; exit 1; }
fi
mv "$begun" "$folder/stamp"
