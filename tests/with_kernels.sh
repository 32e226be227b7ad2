#!/bin/sh
# Runs a test with a cache of compiled kernels that no other test uses meanwhile: PoCL's is not safe with several
# processes. The caches are numbered, each held by a lock until the test ends and then there, warm, for the next.
#
#     tests/with_kernels.sh FOLDER PROGRAM [ARGUMENT]...
folder=$1 number=1
shift
mkdir -p "$folder" || exit 1
while
    exec 9>"$folder/$number.lock" || exit 1
    ! flock -n 9
do number=$((number + 1)); done
POCL_CACHE_DIR=$folder/$number
export POCL_CACHE_DIR
exec "$@"
