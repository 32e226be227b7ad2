# Writes version.c, if it would change: cmake -DOUT=... -DFOLDER=... -DVERSION=... -P version.cmake
cmake_minimum_required(VERSION 3.20)
function(git result)
  execute_process(
    COMMAND git --no-optional-locks -C ${FOLDER} ${ARGN}
    OUTPUT_VARIABLE text RESULT_VARIABLE status ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(status STREQUAL 0)
    set(${result} "${text}" PARENT_SCOPE)
  endif()
endfunction()

set(revision unknown)
if(EXISTS ${FOLDER}/.git) # and not that of a repository around it
  git(revision rev-parse --short=12 HEAD)
  git(changes status --porcelain --untracked-files=no)
  if(changes)
    string(APPEND revision -dirty)
  endif()
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT [[
/* Made by framework/base/version.cmake. */
#include "base/version.h"

const char nx_version[] = "@VERSION@";
const char nx_revision[] = "@revision@";
]] @ONLY)
