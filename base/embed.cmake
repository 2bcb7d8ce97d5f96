# SPDX-License-Identifier: Apache-2.0
# onramp_embed(target symbol file): compile the bytes of a file into a target.
#
# The target gets a generated source that defines
#   const unsigned char <symbol>[];      the bytes, with a NUL behind them
#   const size_t <symbol>_length;        without that NUL
# and is built again when the file changes. The file is relative to the source directory of the caller.
# Declare both as extern in C; there is no generated header. Use: include(base/embed.cmake).
#
# As a script (cmake -D INPUT= -D OUTPUT= -D SYMBOL= -P embed.cmake) this file writes that source.

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  file(READ "${INPUT}" bytes HEX)
  string(LENGTH "${bytes}" length)
  math(EXPR length "${length} / 2")
  # 16 octets a line.
  string(REPEAT "[0-9a-f]" 32 line)
  string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  file(WRITE "${OUTPUT}.new" "/* Made from a file by onramp_embed; not to be edited. */
#include <stddef.h>
extern const unsigned char ${SYMBOL}[];
extern const size_t ${SYMBOL}_length;
const unsigned char ${SYMBOL}[] = {
${bytes}0x00};
const size_t ${SYMBOL}_length = ${length};
")
  file(RENAME "${OUTPUT}.new" "${OUTPUT}")
  return()
endif()

function(onramp_embed target symbol file)
  get_filename_component(input "${file}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
  set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded_${symbol}.c")
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" -D "INPUT=${input}" -D "OUTPUT=${output}" -D "SYMBOL=${symbol}"
            -P "${CMAKE_CURRENT_FUNCTION_LIST_FILE}"
    DEPENDS "${input}" "${CMAKE_CURRENT_FUNCTION_LIST_FILE}"
    VERBATIM)
  target_sources(${target} PRIVATE "${output}")
endfunction()
