# SPDX-License-Identifier: Apache-2.0
# onramp_embed_migrations(target): compile migrations/ into a target, with the tables of db/migration.h.
#
# The folder is the list: every NNNN_*.sql and every functions/*.sql, in name order. A file that comes
# or goes configures anew, because the folders' own times change with it. Beside them the two files of
# adoption/ (db/adoption.c).
include(${CMAKE_SOURCE_DIR}/base/embed.cmake)

# Embed the files of one folder that match a pattern; append the rows of their table to <rows>.
function(onramp_embed_folder target prefix folder pattern rows)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${folder}")
  file(GLOB files LIST_DIRECTORIES false "${folder}/*.sql")
  list(SORT files)
  set(externs "")
  set(table "")
  foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME_WLE)
    if(NOT name MATCHES "${pattern}")
      message(FATAL_ERROR "${file}: the name of a migration is NNNN_noun.sql, of a function a word")
    endif()
    onramp_embed(${target} ${prefix}_${name} "${file}")
    string(APPEND externs "extern const unsigned char ${prefix}_${name}[];\n"
                          "extern const size_t ${prefix}_${name}_length;\n")
    string(APPEND table "    {\"${name}\", ${prefix}_${name}, &${prefix}_${name}_length},\n")
  endforeach()
  list(LENGTH files count)
  set(${rows} "${externs}
const struct migration_file ${prefix}_files[] = {
${table}    {NULL, NULL, NULL}};
const size_t ${prefix}_file_count = ${count};
" PARENT_SCOPE)
endfunction()

function(onramp_embed_migrations target)
  set(folder "${CMAKE_SOURCE_DIR}/migrations")
  onramp_embed_folder(${target} migration "${folder}" "^[0-9][0-9][0-9][0-9]_[a-z0-9_]+$" numbered)
  onramp_embed_folder(${target} function "${folder}/functions" "^[a-z][a-z0-9_]*$" functions)
  onramp_embed(${target} adoption_catalogue_sql "${folder}/adoption/catalogue.sql")
  onramp_embed(${target} adoption_catalogue_txt "${folder}/adoption/catalogue.txt")
  set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded_migrations.c")
  file(CONFIGURE OUTPUT "${output}" CONTENT
       "/* Made from the folder migrations by the build; not to be edited. */
#include \"db/migration.h\"
@numbered@
@functions@" @ONLY)
  target_sources(${target} PRIVATE "${output}")
endfunction()
