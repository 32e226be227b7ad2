#!/bin/sh
# Builds everything and runs the tests; the arguments are those of ctest.
#
#     tests/run.sh                    all
#     tests/run.sh -R ops             those whose name matches
#     tests/run.sh --sanitize [...]   in build-sanitize/, with AddressSanitizer and UndefinedBehaviorSanitizer
root=$(CDPATH= cd "$(dirname "$0")/.." && pwd) || exit 1
setup=$root/framework/setup.sh
if [ "$1" = --sanitize ]; then
    shift
    folder=build-sanitize
    # The pictures are rendered without sanitizers, which would take many minutes.
    "$setup" && "$setup" $folder all -DNSTX_SANITIZE=ON || exit
else
    folder=build
    "$setup" $folder all || exit
fi
exec ctest --test-dir "$root/$folder" --no-tests=error --output-on-failure -j2 "$@"
