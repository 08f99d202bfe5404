//===- ServeOptions.h - Options of marimba serve ----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_SERVEOPTIONS_H
#define MARIMBA_TOOLS_COMMANDS_SERVEOPTIONS_H

#include "tools/commands/Options.h"

namespace marimba::commands {

/// The command line of `marimba serve`. What runs it is in tools/server/, and
/// only in the programs that have a server.
struct ServeOptions {
  Command command{.name = "serve",
                  .description = "Answers requests over HTTP, as OpenAI's API "
                                 "has them"};
  TextOption host{command, "host",
                  "Name or address to listen on (default: 127.0.0.1, which "
                  "only this machine reaches)",
                  "host"};
  NumberOption<int> port{
      command, "port",     "Port to listen on (default: 8080; 0: any free one)",
      "n",     {0, 65535}, 8080};
  TextOption apiKey{command, "api-key",
                    "A file of keys, one a line: requests must have one of "
                    "them",
                    "file"};
  NumberOption<int> parallel{
      command, "parallel", "Requests that are answered at once (default: 8)",
      "n",     {1, 1024},  8};
  NumberOption<int> queue{
      command,
      "queue",
      "Requests that may wait; more are refused, with status 429 (default: 64)",
      "n",
      {1, 65536},
      64};
  NumberOption<int64_t> cacheBytes{
      command,
      "cache-bytes",
      "Memory for beginnings of prompts that are not read again (default: "
      "1073741824; 0: none)",
      "bytes",
      {0, INT64_MAX},
      int64_t(1) << 30};
  TextOption sessions{command, "sessions",
                      "A folder for saved sessions and for what leaves that "
                      "memory",
                      "folder"};
  NumberOption<int64_t> sessionBytes{
      command,
      "session-bytes",
      "Bytes in that folder, beside those of saved sessions (default: "
      "17179869184)",
      "bytes",
      {0, INT64_MAX},
      int64_t(16) << 30};
  NumberOption<int64_t> context{
      command,
      "context",
      "Tokens that a prompt and its answer may have together (default: 32768)",
      "n",
      {2, kMostTokens},
      32768};
  NumberOption<int64_t> maxTokens{
      command,
      "max-tokens",
      "Tokens of an answer where a request does not say (default: 4096)",
      "n",
      {1, kMostTokens},
      4096};
  NumberOption<int64_t> timeout{
      command,
      "timeout",
      "Seconds after which an answer is ended (default: 600)",
      "s",
      {1, 86400},
      600};
  NumberOption<int64_t> maxBody{
      command,
      "max-body",
      "Bytes that a request may have (default: 16777216)",
      "bytes",
      {1024, 1LL << 30},
      16 << 20};
  Flag embeddings{command, "embeddings",
                  "Compiles the model so that /v1/embeddings has its hidden "
                  "states, which takes memory"};
  TextOption templateName{command, "template",
                          "Name of the chat template, if the model has several "
                          "(default: 'default')",
                          "name"};
  Flag quiet{command, "quiet", "No progress, no notes"};
};

ServeOptions &serveOptions();

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_SERVEOPTIONS_H
