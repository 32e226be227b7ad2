#!/bin/sh
# The library alone: it is installed into a folder, and what a user would do there works. Its example compiles with what
# pkg-config says, runs, and paints its picture; its headers are C++ too, and a C++ program outlives a device failure.
# What is not for users is not there. ctest gives CC, CMAKE, PKG_CONFIG and BUILD.
set -eu
folder=$(mktemp -d /tmp/nx_test_XXXXXX)
trap 'rm -rf "$folder"' EXIT
fail() { echo "$*" >&2; exit 1; }

"$CMAKE" --install "$BUILD" --component library --prefix "$folder" >"$folder/log" || { cat "$folder/log"; exit 1; }
here=$folder/share/doc/nx

# ---- what is installed: the headers that nx.h lists, all of them used by it, and nothing of the program ----

(cd "$folder/include/nx" && find . -name '*.h' ! -name nx.h | sed 's|^\./||' | sort) >"$folder/there"
sed -n 's/^#include "\([^"]*\)".*/\1/p' "$folder/include/nx/nx.h" | sort >"$folder/listed"
diff "$folder/listed" "$folder/there" || fail "the headers installed are not those of nx.h"
[ "$(wc -l <"$folder/there")" -gt 50 ] || fail "only $(wc -l <"$folder/there") headers are installed"
for file in "$folder/bin" "$folder/share/nstx" "$folder/include/nx/ops/winograd.h"; do
  [ ! -e "$file" ] || fail "$file is installed with the library"
done

# ---- the example ----

flags=$(PKG_CONFIG_PATH=$folder/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} "$PKG_CONFIG" --cflags --libs nx)
# shellcheck disable=SC2086
"$CC" -std=c11 -Wall -Wextra -Werror "$here/example.c" $flags ${SANITIZE:-} -o "$folder/example"
"$folder/example" "$folder/texture.png" >"$folder/said"
cat "$folder/said"
awk '$1 == "step" { if (!rows++) first = $4; last = $4 }
     END { if (rows != 7) print "7 losses are wanted"; else if (!(last > 0 && last < 0.01 * first))
             print "the loss falls from " first " to " last ", not to less than 1 %"; else exit 0; exit 1 }' \
  "$folder/said"
[ "$(head -c 4 "$folder/texture.png" | tail -c 3)" = PNG ] || fail "no picture was written"

# ---- C++ ----

cxx=${CXX:-$(command -v c++ || command -v g++ || command -v clang++ || true)}
if [ -z "$cxx" ]; then
  echo "skipped: no C++ compiler, so nothing is known of C++ here"
  exit 0
fi
# shellcheck disable=SC2086
"$cxx" -std=c++11 -Wall -Wextra -Werror "$(dirname "$0")/host.cpp" $flags ${SANITIZE:-} -o "$folder/host"
"$folder/host"
