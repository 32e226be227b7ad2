#!/bin/sh
# Runs a test with a cache of compiled kernels that no other test uses meanwhile: PoCL's is not safe with several
# processes. The caches are numbered, each held by a lock until the test ends and then there, warm, for the next. What
# is compiled in one is linked into the folder `all` when its test has ended, and from there into another's cache when
# a test begins: no kernel is compiled twice but by tests that run at the same time.
#
#     tests/with_kernels.sh FOLDER PROGRAM [ARGUMENT]...
folder=$1 number=1
shift
mkdir -p "$folder/all" || exit 1
while
    exec 9>"$folder/$number.lock" || exit 1
    ! flock -n 9
do number=$((number + 1)); done
POCL_CACHE_DIR=$folder/$number
export POCL_CACHE_DIR
mkdir -p "$POCL_CACHE_DIR" && cp -aln "$folder/all/." "$POCL_CACHE_DIR"
"$@"
code=$?
find "$POCL_CACHE_DIR" -maxdepth 1 -name 'tempfile_*' -delete
cp -aln "$POCL_CACHE_DIR/." "$folder/all"
exit $code
