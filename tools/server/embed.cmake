# cmake -DFOLDER=... -DFILES=a,b -DOUTPUT=FILE.cpp -P embed.cmake: the table of
# Page.h, with the contents of the files.
string(REPLACE "," ";" files "${FILES}")
set(types
  ".html=text/html" ".css=text/css" ".js=text/javascript" ".svg=image/svg+xml")
set(arrays "")
set(rows "")
foreach(file IN LISTS files)
  file(READ ${FOLDER}/${file} hex HEX)
  file(SHA256 ${FOLDER}/${file} digest)
  string(SUBSTRING ${digest} 0 32 tag)
  string(MAKE_C_IDENTIFIER ${file} name)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  get_filename_component(extension ${file} EXT)
  set(type "")
  foreach(row IN LISTS types)
    if(row MATCHES "^${extension}=(.*)$")
      set(type "${CMAKE_MATCH_1}; charset=utf-8")
    endif()
  endforeach()
  if(type STREQUAL "")
    message(FATAL_ERROR "${file}: no content type for '${extension}'")
  endif()
  set(path "/page/${file}")
  if(file STREQUAL "index.html")
    set(path "/")
  endif()
  string(APPEND arrays
    "static const unsigned char ${name}[] = {\n${bytes}};\n")
  string(APPEND rows
    "    {\"${path}\", \"${type}\", \"\\\"${tag}\\\"\",\n"
    "     {reinterpret_cast<const char *>(${name}), sizeof(${name})}},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by embed.cmake.
#include \"tools/server/Page.h\"

${arrays}
std::span<const marimba::server::PageFile> marimba::server::pageFiles() {
  static const PageFile files[] = {
${rows}  };
  return files;
}
")
