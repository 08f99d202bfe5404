//===- Page.cpp - The page that the server has at / -----------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Page.h"

#include <algorithm>

using namespace marimba::server;

const PageFile *marimba::server::findPageFile(std::string_view path) {
  std::span<const PageFile> files = pageFiles();
  auto found = std::ranges::find(files, path, &PageFile::path);
  return found == files.end() ? nullptr : &*found;
}

std::span<const std::pair<std::string_view, std::string_view>>
marimba::server::pageHeaders() {
  static constexpr std::pair<std::string_view, std::string_view> headers[] = {
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src "
       "'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
       "frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      // Asked for again each time: an answer 304 where nothing is new.
      {"Cache-Control", "no-cache"},
  };
  return headers;
}

bool marimba::server::matchesTag(std::string_view ifNoneMatch,
                                 const PageFile &file) {
  // A list, perhaps of weak tags; a comma cannot be in ours.
  while (!ifNoneMatch.empty()) {
    size_t comma = ifNoneMatch.find(',');
    std::string_view tag = ifNoneMatch.substr(0, comma);
    ifNoneMatch.remove_prefix(
        comma == std::string_view::npos ? ifNoneMatch.size() : comma + 1);
    while (!tag.empty() && (tag.front() == ' ' || tag.front() == '\t'))
      tag.remove_prefix(1);
    while (!tag.empty() && (tag.back() == ' ' || tag.back() == '\t'))
      tag.remove_suffix(1);
    if (tag.starts_with("W/"))
      tag.remove_prefix(2);
    if (tag == "*" || tag == file.etag)
      return true;
  }
  return false;
}
