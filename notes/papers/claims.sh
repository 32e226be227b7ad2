#!/bin/sh
# Writes the claims of the figures that are in DIR into the pages here, between the lines <!-- claims --> and
# <!-- end of claims -->:
#
#     ./nstx figure all --scale ci -o DIR; ./nstx figure all -o DIR; notes/papers/claims.sh DIR
set -e
[ -d "$1" ] || { echo "usage: $0 DIR, where nstx figure -o DIR has put its pages" >&2; exit 2; }
figures=$(realpath "$1")
cd "$(dirname "$0")"
for page in *.md; do
    paper=${page%.md}
    [ "$paper" = claims ] && paper=all
    ../../nstx figure "$paper" --table -o "$figures" > "$page.table"
    awk -v table="$page.table" '
        /^<!-- claims -->$/ { print; print ""; while ((getline line < table) > 0) print line; print ""; inside = 1 }
        /^<!-- end of claims -->$/ { inside = 0 }
        !inside && !/^<!-- claims -->$/' "$page" > "$page.new"
    mv "$page.new" "$page"
    rm "$page.table"
done
