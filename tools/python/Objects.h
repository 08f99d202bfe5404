//===- Objects.h - The objects of marimba.h, owned --------------*- C++ -*-===//
//
// Part of Marimba. What the module's functions share: memory that is freed,
// errors as exceptions, the GIL.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_PYTHON_OBJECTS_H
#define MARIMBA_TOOLS_PYTHON_OBJECTS_H

#include "tools/python/Library.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace py = pybind11;

namespace marimba::python {

using Ids = py::array_t<int32_t, py::array::c_style>;
using Text = std::optional<std::string>;

/// Raises what the package `marimba` calls Error.
[[noreturn]] inline void throwError(marimba_code code,
                                    const std::string &message) {
  py::object type = py::module_::import("marimba._errors").attr("Error");
  py::object error = type(static_cast<int>(code), message);
  PyErr_SetObject(type.ptr(), error.ptr());
  throw py::error_already_set();
}

/// Calls without the GIL, and raises what `call` reports.
template <typename Call> void run(Call call) {
  char *message = nullptr;
  marimba_code code = MARIMBA_SUCCESS;
  {
    py::gil_scoped_release release;
    code = call(&message);
  }
  if (!code)
    return;
  std::string text = message ? message : "no memory for a message";
  library().marimba_free(message);
  throwError(code, text);
}

inline const char *pointer(const Text &text) {
  return text ? text->c_str() : nullptr;
}

/// A text that the library allocated.
inline std::string take(char *text) {
  std::string result = text ? text : "";
  library().marimba_free(text);
  return result;
}

/// What only one call may use at a time, however many threads there are.
class Busy {
public:
  /// Raises where another one does.
  Busy(std::atomic<bool> &flag, const char *what) : flag(flag) {
    if (flag.exchange(true))
      throwError(
          MARIMBA_BAD_STATE,
          std::string(what) +
              " is in use by another thread, or by the call that this one "
              "comes from: expected one at a time");
  }
  ~Busy() { flag = false; }
  Busy(const Busy &) = delete;

private:
  std::atomic<bool> &flag;
};

/// An object of marimba.h, freed by `Free` of the library.
template <typename T, auto Free> struct Freed {
  void operator()(T *object) const { (library().*Free)(object); }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Freed<T, Free>>;

/// A model, and what was made of it.
struct Model {
  Owned<marimba_model, &Library::marimba_model_free> handle;
};

struct Mark {
  Owned<marimba_mark, &Library::marimba_mark_free> handle;
};

struct Session {
  std::shared_ptr<Model> model;
  Owned<marimba_session, &Library::marimba_session_free> handle;
  std::atomic<bool> busy = false;

  Busy use() { return Busy(busy, "the session"); }
};

struct Generation {
  std::shared_ptr<Session> session; // outlives what is below
  Owned<marimba_generation, &Library::marimba_generation_free> handle;
  // All that came: Ctrl-C may end whoever would have taken the last of it.
  std::vector<int32_t> ids;
  std::string text;
};

struct Chat {
  std::shared_ptr<Model> model;
  Owned<marimba_chat, &Library::marimba_chat_free> handle;
  std::atomic<bool> busy = false;

  Busy use() { return Busy(busy, "the conversation"); }
};

/// marimba_sampling with memory of its own.
struct Sampling {
  marimba_sampling values = {};
  std::vector<std::string> texts;
  std::vector<const char *> stops;
  std::vector<int32_t> biasIds;
  std::vector<float> biases;
};

/// Python code that is called while the GIL is released, and what it raised.
struct Callback {
  py::object function; // may be None
  std::optional<py::error_already_set> raised;

  /// Whether it goes on: not after Ctrl-C, not after an exception.
  template <typename... Args> bool call(Args... args) {
    py::gil_scoped_acquire acquire;
    try {
      if (PyErr_CheckSignals())
        throw py::error_already_set();
      if (!function.is_none())
        function(args...);
      return true;
    } catch (py::error_already_set &error) {
      raised.emplace(std::move(error));
      return false;
    }
  }
  /// With the GIL.
  void raiseAgain() {
    if (raised)
      throw std::move(*raised);
  }
};

} // namespace marimba::python

#endif // MARIMBA_TOOLS_PYTHON_OBJECTS_H
