//===- Page.h - The page that the server has at / ---------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_PAGE_H
#define MARIMBA_TOOLS_SERVER_PAGE_H

#include <span>
#include <string_view>
#include <utility>

namespace marimba::server {

/// A file of the page, which is part of the program.
struct PageFile {
  std::string_view path;        // "/", "/page/app.js"
  std::string_view contentType; // with the charset
  std::string_view etag;        // with its quotes
  std::string_view bytes;
};

/// All of them; made by embed.cmake.
std::span<const PageFile> pageFiles();

/// The file at `path`, without a query; null where the page has none.
const PageFile *findPageFile(std::string_view path);

/// What an answer with a file has beside its type and ETag, names and values:
/// nothing may come from elsewhere, and no other page may show this one.
std::span<const std::pair<std::string_view, std::string_view>> pageHeaders();

/// Whether the header If-None-Match names this version of the file.
bool matchesTag(std::string_view ifNoneMatch, const PageFile &file);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_PAGE_H
