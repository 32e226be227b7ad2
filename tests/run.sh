#!/bin/sh
# Builds everything and runs the tests; the arguments are those of ctest.
#
#     tests/run.sh                    all
#     tests/run.sh -R ops             those whose name matches
#     tests/run.sh --sanitize [...]   in build-sanitize/, with AddressSanitizer and UndefinedBehaviorSanitizer
root=$(CDPATH= cd "$(dirname "$0")/.." && pwd) || exit 1
if [ "$1" = --sanitize ]; then
    shift
    folder=build-sanitize
    "$root/framework/setup.sh" $folder all -DNSTX_SANITIZE=ON || exit
else
    folder=build
    "$root/framework/setup.sh" $folder all || exit
fi
exec ctest --test-dir "$root/$folder" --no-tests=error --output-on-failure -j2 "$@"
