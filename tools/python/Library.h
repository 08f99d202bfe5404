//===- Library.h - The functions of marimba.h, found at run time -*- C++
//-*-===//
//
// Part of Marimba. The module works with either library and links none:
// libmarimba.so, which compiles, where that is installed, else
// libmarimba-runtime.so.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_PYTHON_LIBRARY_H
#define MARIMBA_TOOLS_PYTHON_LIBRARY_H

#include "runtime/capi/marimba.h"

#include <string>

namespace marimba::python {

#define MARIMBA_PYTHON_FUNCTIONS(USE)                                          \
  USE(marimba_chat_ask)                                                        \
  USE(marimba_chat_create)                                                     \
  USE(marimba_chat_free)                                                       \
  USE(marimba_chat_interrupt)                                                  \
  USE(marimba_chat_load)                                                       \
  USE(marimba_chat_reset)                                                      \
  USE(marimba_chat_save)                                                       \
  USE(marimba_chat_undo)                                                       \
  USE(marimba_compile)                                                         \
  USE(marimba_decode)                                                          \
  USE(marimba_encode)                                                          \
  USE(marimba_free)                                                            \
  USE(marimba_generation_close)                                                \
  USE(marimba_generation_create)                                               \
  USE(marimba_generation_free)                                                 \
  USE(marimba_generation_next)                                                 \
  USE(marimba_is_package)                                                      \
  USE(marimba_logits_data)                                                     \
  USE(marimba_logits_free)                                                     \
  USE(marimba_mark_free)                                                       \
  USE(marimba_model_end_ids)                                                   \
  USE(marimba_model_free)                                                      \
  USE(marimba_model_load)                                                      \
  USE(marimba_model_open)                                                      \
  USE(marimba_model_vocabulary)                                                \
  USE(marimba_session_create)                                                  \
  USE(marimba_session_fork)                                                    \
  USE(marimba_session_free)                                                    \
  USE(marimba_session_hold_logits)                                             \
  USE(marimba_session_ids)                                                     \
  USE(marimba_session_length)                                                  \
  USE(marimba_session_mark)                                                    \
  USE(marimba_session_read)                                                    \
  USE(marimba_session_reset)                                                   \
  USE(marimba_session_restore)                                                 \
  USE(marimba_session_rewind)                                                  \
  USE(marimba_session_save)                                                    \
  USE(marimba_version)

/// Each function by its name.
struct Library {
#define MARIMBA_DECLARE(name) decltype(&::name) name = nullptr;
  MARIMBA_PYTHON_FUNCTIONS(MARIMBA_DECLARE)
#undef MARIMBA_DECLARE
  std::string path; // of the file
};

/// Finds the library that $MARIMBA_LIBRARY names, else the first that there is.
/// False and `error` where there is none, or it lacks a function. Once, before
/// everything else.
bool openLibrary(std::string &error);

/// The library that was found.
const Library &library();

} // namespace marimba::python

#endif // MARIMBA_TOOLS_PYTHON_LIBRARY_H
