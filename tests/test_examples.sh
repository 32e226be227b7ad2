#!/bin/sh
# The examples of headers are C that compiles. An example is an indented paragraph of a header's opening comment with a
# line that ends in ; or }. What stands three blanks or more behind the code is a remark, "..." is a statement left out,
# and a line "... words ..." several; a paragraph that begins with "static" and ends in a } of its own is a function.
# What an example takes as given is declared in tests/examples.txt, under the header's name. ctest gives CC and CFLAGS.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d /tmp/nx_test_XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$root"

# $1: a header as it is included. Prints a C file with its examples; nothing where it has none.
example() {
  awk -v header="${1##*/}" -v include="$1" '
    function paragraph() {
      if (code && text ~ /^ *static [^=;]*\{/ && text ~ /\n *\}\n$/) outside = outside text
      else if (code) inside = inside text
      text = ""
      code = 0
    }
    function block() {
      paragraph()
      if (inside outside != "") functions = functions outside "static int example" ++count "(void)\n{\n" inside "    return 0;\n}\n"
      inside = outside = ""
    }
    FILENAME ~ /examples.txt$/ {
      if ($0 ~ /^[^ #]/) mine = (" " $0 " ") ~ (" " header " ")
      else if (mine && $0 ~ /^ /) given = given substr($0, 5) "\n"
      next
    }
    over { next }
    {
      line = $0
      if (line ~ /\*\/ *$/) over = 1
      sub(/ *\*\/ *$/, "", line)
      sub(/^ \*/, "", line)
      if (line ~ /^     /) {
        match(line, /^ */)
        indent = substr(line, 1, RLENGTH)
        rest = substr(line, RLENGTH + 1)
        sub(/   +.*$/, "", rest)
        if (rest ~ /^\.\.\. .* \.\.\.$/) rest = ""
        gsub(/\.\.\./, "{}", rest)
        if (rest ~ /[;}]$/) code = 1
        text = text substr(indent, 2) rest "\n"
      } else if (line ~ /^ *$/) paragraph()
      else block()
    }
    END {
      block()
      if (!count) exit
      printf "#include \"%s\"\n", include
      if (include ~ /^experiments|^framework/) printf "#include \"nx.h\"\n"
      printf "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n%s%s", given, functions
    }' tests/examples.txt "$1"
}

found=0 wrong=0
listed=$(sed -n 's|^#include "\([^"]*\)".*|framework/\1|p' framework/nx.h) # the others are the operations' own
for header in framework/nx.h $listed experiments/*/*.h; do
  example "$header" >"$folder/example.c"
  [ -s "$folder/example.c" ] || continue
  found=$((found + 1))
  # shellcheck disable=SC2086
  if ! "$CC" -std=gnu11 -fsyntax-only -Wall -Werror -Wno-unused -Wno-return-type -D_GNU_SOURCE -I. -Iframework \
    -Iexperiments ${CFLAGS:-} -x c "$folder/example.c" 2>"$folder/said"; then
    wrong=$((wrong + 1))
    echo "$header: its example does not compile:"
    sed "s|$folder/||" "$folder/said" | head -${LINES_MOST:-20}
  fi
done
echo "$found headers with examples, $wrong of them wrong"
[ "$found" -gt 60 ] || { echo "this test has lost sight of the headers"; exit 1; }
[ "$wrong" = 0 ]
