# The page at `/`, as bytes in the program: no files are looked for at run time.
set(page_files
  index.html
  style.css
  icon.svg
  api.js
  app.js
  attach.js
  chat.js
  dom.js
  explorer.js
  layers.js
  markdown.js
  memory.js
  plot.js
  roofline.js
  settings.js
  stages.js
  store.js
)
set(page_folder ${CMAKE_CURRENT_LIST_DIR}/page)
set(page_bytes ${CMAKE_CURRENT_BINARY_DIR}/PageBytes.cpp)
list(TRANSFORM page_files PREPEND ${page_folder}/ OUTPUT_VARIABLE page_paths)
string(REPLACE ";" "," page_names "${page_files}")
add_custom_command(
  OUTPUT ${page_bytes}
  COMMAND ${CMAKE_COMMAND} -DFOLDER=${page_folder} -DFILES=${page_names}
    -DOUTPUT=${page_bytes} -P ${CMAKE_CURRENT_LIST_DIR}/embed.cmake
  DEPENDS ${page_paths} ${CMAKE_CURRENT_LIST_DIR}/embed.cmake
  COMMENT "The page's files as bytes"
  VERBATIM)
set(MARIMBA_PAGE_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/Explorer.cpp
  ${CMAKE_CURRENT_LIST_DIR}/Page.cpp
  ${CMAKE_CURRENT_LIST_DIR}/ReadyExplorer.cpp
  ${page_bytes})
