//===- FileKind.cpp - What a file is by its first bytes -------------------===//

#include "marimba/FileKind.h"

namespace marimba::rt {

std::string_view fileKind(std::string_view start) {
  using namespace std::string_view_literals;
  struct Kind {
    std::string_view begin, text;
  };
  static constexpr std::string_view page =
      "an HTML page: a download that failed?";
  static constexpr std::string_view old = "a GGML file from before GGUF";
  static constexpr Kind kinds[] = {
      {"version https://git-lfs.github.com/spec/"sv,
       "a Git LFS pointer, not the file itself: 'git lfs pull' in its folder "
       "fetches that"sv},
      {"GGUF"sv, kGguf},
      {"lmgg"sv, old},
      {"tjgg"sv, old},
      {"fmgg"sv, old},
      // That of UTF-32 begins with that of UTF-16.
      {"\xff\xfe\0\0"sv, "UTF-32"sv},
      {"\0\0\xfe\xff"sv, "UTF-32"sv},
      {"\xff\xfe"sv, "UTF-16"sv},
      {"\xfe\xff"sv, "UTF-16"sv},
      {"PK\3\4"sv, "a zip archive, as PyTorch's torch.save writes, for one"sv},
      {"\x80\2\x8a\n"sv, "a pickle, as PyTorch's torch.save wrote"sv},
      {"\x89HDF\r\n"sv, "an HDF5 file, as TensorFlow writes"sv},
      {"\x93NUMPY"sv, "an array of NumPy"sv},
      {"\x1f\x8b"sv, "a file of gzip"sv},
      {"BZh"sv, "a file of bzip2"sv},
      {"\xfd\x37zXZ"sv, "a file of xz"sv},
      {"\x28\xb5\x2f\xfd"sv, "a file of zstd"sv},
      {"%PDF"sv, "a PDF file"sv},
      {"PAR1"sv, "a Parquet file"sv},
      {"<!DOCTYPE"sv, page},
      {"<!doctype"sv, page},
      {"<html"sv, page},
  };
  // The length of a header and the header.
  if (start.size() > 9 && start.substr(4, 4) == "\0\0\0\0"sv && start[8] == '{')
    return kSafetensors;
  for (const Kind &kind : kinds)
    if (start.starts_with(kind.begin))
      return kind.text;
  return {};
}

} // namespace marimba::rt
