#!/bin/sh
# Writes the claims of the figures that are in DIR into the pages here, and how many hold into the README, each between
# the lines <!-- claims --> and <!-- end of claims -->:
#
#     ./nstx figure all --scale ci -o DIR; ./nstx figure all -o DIR; notes/papers/claims.sh DIR
set -e
[ -d "$1" ] || { echo "usage: $0 DIR, where nstx figure -o DIR has put its pages" >&2; exit 2; }
figures=$(realpath "$1")
cd "$(dirname "$0")"
trap 'rm -f ./*.part' EXIT

claims_of() { ../../nstx figure "$1" --table -o "$figures"; }

# Puts what is on standard input into a page.
insert() {
    cat > table.part
    awk '
        /^<!-- end of claims -->$/ { inside = 0 }
        !inside
        /^<!-- claims -->$/ { print ""; while ((getline line < "table.part") > 0) print line; print ""; inside = 1 }
    ' "$1" > page.part
    mv page.part "$1"
}

for page in *.md; do
    paper=${page%.md}
    [ "$paper" = claims ] && paper=all
    claims_of "$paper" | insert "$page"
done

# "At ci scale 62 of 78 claims hold, ..." of each paper, side by side.
{
    echo "| claims that hold | ci scale | laptop scale | paper scale |"
    echo "| --- | --- | --- | --- |"
    for page in *.md; do
        paper=${page%.md}
        [ "$paper" = claims ] && paper=all
        claims_of "$paper" | awk -v paper="$paper" -v page="$page" '
            /^At / { held[$2] = $4 " of " $6 }
            END { printf "| [%s](notes/papers/%s) | %s | %s | %s |\n", paper, page, held["ci"], held["laptop"], held["paper"] }'
    done
} | insert ../../README.md
