//===- Module.cpp - marimba.h for Python ----------------------------------===//
//
// Part of Marimba. The module marimba._native: the objects of marimba.h, their
// memory, and errors as exceptions. What people see is marimba/__init__.py.
//
// The GIL is released around everything that loads, reads, computes or writes.
//
//===----------------------------------------------------------------------===//

#include "tools/python/Objects.h"

#include <pybind11/stl.h>

#include <map>

using namespace marimba::python;

static std::shared_ptr<Model> loadModel(const std::string &path,
                                        const Text &directory, int32_t threads,
                                        int64_t chunk, const Text &dtype,
                                        const Text &cacheFolder,
                                        const Text &isa) {
  marimba_options options = {};
  options.size = sizeof(options);
  options.threads = threads;
  options.chunk = chunk;
  options.dtype = pointer(dtype);
  options.cache_folder = pointer(cacheFolder);
  options.isa = pointer(isa);
  marimba_model *model = nullptr;
  run([&](char **message) {
    if (library().marimba_is_package(path.c_str()))
      return library().marimba_model_open(path.c_str(), pointer(directory),
                                          &options, &model, message);
    return library().marimba_model_load(path.c_str(), &options, &model,
                                        message);
  });
  auto made = std::make_shared<Model>();
  made->handle.reset(model);
  return made;
}

static Ids encode(const Model &model, const std::string &text, bool begin) {
  int32_t *ids = nullptr;
  size_t count = 0;
  run([&](char **message) {
    return library().marimba_encode(model.handle.get(), text.c_str(), begin,
                                    &ids, &count, message);
  });
  py::capsule owner(ids, [](void *memory) { library().marimba_free(memory); });
  return Ids(static_cast<py::ssize_t>(count), ids, owner);
}

static std::string decode(const Model &model, const Ids &ids) {
  char *text = nullptr;
  const int32_t *data = ids.data();
  auto count = static_cast<size_t>(ids.size());
  run([&](char **message) {
    return library().marimba_decode(model.handle.get(), data, count, &text,
                                    message);
  });
  return take(text);
}

static Ids copyIds(const int32_t *ids, size_t count) {
  return Ids(static_cast<py::ssize_t>(count), ids);
}

static std::shared_ptr<Session> wrap(std::shared_ptr<Model> model,
                                     marimba_session *session) {
  auto made = std::make_shared<Session>();
  made->model = std::move(model);
  made->handle.reset(session);
  return made;
}

static std::shared_ptr<Session> makeSession(std::shared_ptr<Model> model) {
  marimba_session *session = nullptr;
  run([&](char **message) {
    return library().marimba_session_create(model->handle.get(), &session,
                                            message);
  });
  return wrap(std::move(model), session);
}

static std::shared_ptr<Session> forkSession(Session &session) {
  Busy busy = session.use();
  marimba_session *made = nullptr;
  run([&](char **message) {
    return library().marimba_session_fork(session.handle.get(), &made, message);
  });
  return wrap(session.model, made);
}

static void readIds(Session &session, const Ids &ids, int wanted,
                    const py::object &progress) {
  Busy busy = session.use();
  Callback callback{progress, {}};
  const int32_t *data = ids.data();
  auto count = static_cast<size_t>(ids.size());
  auto hear = [](void *user, size_t done, size_t total) -> int {
    return static_cast<Callback *>(user)->call(done, total);
  };
  run([&](char **message) {
    return library().marimba_session_read(session.handle.get(), data, count,
                                          static_cast<marimba_wanted>(wanted),
                                          hear, &callback, message);
  });
  callback.raiseAgain();
}

/// [rows, vocabulary], which nobody can write to.
static py::array logits(Session &session) {
  Busy busy = session.use();
  marimba_logits *held = nullptr;
  run([&](char **message) {
    return library().marimba_session_hold_logits(session.handle.get(), &held,
                                                 message);
  });
  py::capsule owner(held, [](void *memory) {
    library().marimba_logits_free(static_cast<marimba_logits *>(memory));
  });
  size_t rows = 0;
  const float *data = library().marimba_logits_data(held, &rows);
  py::ssize_t width =
      library().marimba_model_vocabulary(session.model->handle.get());
  py::array_t<float> array({static_cast<py::ssize_t>(rows), width}, data,
                           owner);
  array.attr("setflags")(py::arg("write") = false);
  return std::move(array);
}

static Ids sessionIds(Session &session) {
  Busy busy = session.use();
  size_t count = 0;
  const int32_t *ids =
      library().marimba_session_ids(session.handle.get(), &count);
  return copyIds(ids, count);
}

static std::shared_ptr<Mark> mark(Session &session) {
  Busy busy = session.use();
  marimba_mark *made = nullptr;
  run([&](char **message) {
    return library().marimba_session_mark(session.handle.get(), &made, message);
  });
  auto result = std::make_shared<Mark>();
  result->handle.reset(made);
  return result;
}

static std::shared_ptr<Sampling>
makeSampling(int64_t maxTokens, float temperature, float topP, int32_t topK,
             float minP, float repetitionPenalty, float frequencyPenalty,
             float presencePenalty, const std::map<int32_t, float> &biases,
             uint64_t seed, std::vector<std::string> stops, bool ignoreEnd) {
  auto made = std::make_shared<Sampling>();
  made->texts = std::move(stops);
  for (const std::string &text : made->texts)
    made->stops.push_back(text.c_str());
  marimba_sampling &values = made->values;
  values.size = sizeof(values);
  values.max_tokens = maxTokens;
  values.temperature = temperature;
  values.top_p = topP;
  values.min_p = minP;
  values.repetition_penalty = repetitionPenalty;
  values.top_k = topK;
  values.ignore_end = ignoreEnd;
  values.seed = seed;
  values.stops = made->stops.data();
  values.stop_count = made->stops.size();
  for (auto [id, bias] : biases) {
    made->biasIds.push_back(id);
    made->biases.push_back(bias);
  }
  values.frequency_penalty = frequencyPenalty;
  values.presence_penalty = presencePenalty;
  values.bias_ids = made->biasIds.data();
  values.bias_values = made->biases.data();
  values.bias_count = biases.size();
  return made;
}

static std::shared_ptr<Generation> generate(std::shared_ptr<Session> session,
                                            const Sampling &sampling) {
  Busy busy = session->use();
  marimba_generation *made = nullptr;
  run([&](char **message) {
    return library().marimba_generation_create(
        session->model->handle.get(), session->handle.get(), &sampling.values,
        &made, message);
  });
  auto result = std::make_shared<Generation>();
  result->session = session;
  result->handle.reset(made);
  return result;
}

/// (text, end) of a token, or of the end, which is not 0.
static py::tuple next(Generation &generation) {
  Busy busy = generation.session->use();
  marimba_event event = {};
  event.size = sizeof(event);
  run([&](char **message) {
    return library().marimba_generation_next(generation.handle.get(), &event,
                                             message);
  });
  if (event.id >= 0)
    generation.ids.push_back(event.id);
  generation.text += event.text;
  return py::make_tuple(event.text, static_cast<int>(event.end));
}

static std::shared_ptr<Chat> makeChat(std::shared_ptr<Model> model,
                                      const Text &system, const Text &form,
                                      const Sampling &sampling,
                                      const Text &tools, const Text &values,
                                      bool hideThoughts) {
  marimba_chat_options options = {};
  options.size = sizeof(options);
  options.system = pointer(system);
  options.form = pointer(form);
  options.sampling = &sampling.values;
  options.tools = pointer(tools);
  options.template_values = pointer(values);
  options.hide_thoughts = hideThoughts;
  marimba_chat *chat = nullptr;
  run([&](char **message) {
    return library().marimba_chat_create(model->handle.get(), &options, &chat,
                                         message);
  });
  auto made = std::make_shared<Chat>();
  made->model = std::move(model);
  made->handle.reset(chat);
  return made;
}

/// (answer, end); `hear` is called with its pieces.
static py::tuple ask(Chat &chat, const std::string &question,
                     const py::object &hear) {
  Busy busy = chat.use();
  Callback callback{hear, {}};
  auto onText = [](void *user, const char *text) -> int {
    return static_cast<Callback *>(user)->call(text);
  };
  char *answer = nullptr;
  marimba_end end = MARIMBA_GOES_ON;
  run([&](char **message) {
    return library().marimba_chat_ask(chat.handle.get(), question.c_str(),
                                      onText, &callback, &answer, &end,
                                      message);
  });
  std::string text = take(answer);
  callback.raiseAgain();
  return py::make_tuple(text, static_cast<int>(end));
}

static void compile(const std::string &directory, const Text &package,
                    const Text &dumpIr, int32_t threads, const Text &dtype,
                    const Text &isa, const Text &targetCpu) {
  marimba_compile_options options = {};
  options.size = sizeof(options);
  options.threads = threads;
  options.dtype = pointer(dtype);
  options.isa = pointer(isa);
  options.target_cpu = pointer(targetCpu);
  options.dump_ir = pointer(dumpIr);
  run([&](char **message) {
    return library().marimba_compile(directory.c_str(), &options,
                                     pointer(package), message);
  });
}

/// What the library answers where it could not compile anything.
static bool hasCompiler() {
  return library().marimba_compile("", nullptr, nullptr, nullptr) !=
         MARIMBA_NO_COMPILER;
}

static void addSessions(py::module_ &module) {
  py::class_<Mark, std::shared_ptr<Mark>>(module, "Mark");
  py::class_<Session, std::shared_ptr<Session>>(module, "Session")
      .def(py::init(&makeSession), py::arg("model"))
      .def("fork", &forkSession)
      .def("read", &readIds, py::arg("ids").noconvert(), py::arg("wanted"),
           py::arg("progress"))
      .def("logits", &logits)
      .def("ids", &sessionIds)
      .def("length",
           [](Session &session) {
             Busy busy = session.use();
             return library().marimba_session_length(session.handle.get());
           })
      .def("reset",
           [](Session &session) {
             Busy busy = session.use();
             library().marimba_session_reset(session.handle.get());
           })
      .def("save",
           [](Session &session, const std::string &path) {
             Busy busy = session.use();
             run([&](char **message) {
               return library().marimba_session_save(session.handle.get(),
                                                     path.c_str(), message);
             });
           })
      .def("load",
           [](Session &session, const std::string &path) {
             Busy busy = session.use();
             run([&](char **message) {
               return library().marimba_session_restore(session.handle.get(),
                                                        path.c_str(), message);
             });
           })
      .def("mark", &mark)
      .def("rewind",
           [](Session &session, const Mark &mark) {
             Busy busy = session.use();
             run([&](char **message) {
               return library().marimba_session_rewind(
                   session.handle.get(), mark.handle.get(), message);
             });
           })
      .def("generate", &generate, py::arg("sampling"));
  py::class_<Generation, std::shared_ptr<Generation>>(module, "Generation")
      .def("next", &next)
      .def_readonly("ids", &Generation::ids)
      .def_readonly("text", &Generation::text)
      .def("close", [](Generation &generation) {
        Busy busy = generation.session->use();
        run([&](char **message) {
          return library().marimba_generation_close(generation.handle.get(),
                                                    message);
        });
      });
}

static void addChats(py::module_ &module) {
  py::class_<Chat, std::shared_ptr<Chat>>(module, "Chat")
      .def(py::init(&makeChat), py::arg("model"), py::arg("system"),
           py::arg("form"), py::arg("sampling"), py::arg("tools"),
           py::arg("template_values"), py::arg("hide_thoughts"))
      .def("ask", &ask, py::arg("question"), py::arg("hear"))
      .def("interrupt",
           [](Chat &chat) {
             library().marimba_chat_interrupt(chat.handle.get());
           })
      .def("undo",
           [](Chat &chat) {
             Busy busy = chat.use();
             return library().marimba_chat_undo(chat.handle.get()) != 0;
           })
      .def("reset",
           [](Chat &chat) {
             Busy busy = chat.use();
             library().marimba_chat_reset(chat.handle.get());
           })
      .def("save",
           [](Chat &chat, const std::string &path) {
             Busy busy = chat.use();
             run([&](char **message) {
               return library().marimba_chat_save(chat.handle.get(),
                                                  path.c_str(), message);
             });
           })
      .def("load", [](Chat &chat, const std::string &path) {
        Busy busy = chat.use();
        run([&](char **message) {
          return library().marimba_chat_load(chat.handle.get(), path.c_str(),
                                             message);
        });
      });
}

PYBIND11_MODULE(_native, module) {
  std::string error;
  if (!openLibrary(error))
    throw py::import_error("marimba: " + error);
  module.attr("version") = library().marimba_version();
  module.attr("library") = library().path;
  module.attr("has_compiler") = hasCompiler();
  py::class_<Sampling, std::shared_ptr<Sampling>>(module, "Sampling")
      .def(py::init(&makeSampling), py::arg("max_tokens"),
           py::arg("temperature"), py::arg("top_p"), py::arg("top_k"),
           py::arg("min_p"), py::arg("repetition_penalty"),
           py::arg("frequency_penalty"), py::arg("presence_penalty"),
           py::arg("biases"), py::arg("seed"), py::arg("stops"),
           py::arg("ignore_end"));
  py::class_<Model, std::shared_ptr<Model>>(module, "Model")
      .def(py::init(&loadModel), py::arg("path"), py::arg("directory"),
           py::arg("threads"), py::arg("chunk"), py::arg("dtype"),
           py::arg("cache_folder"), py::arg("isa"))
      .def("vocabulary",
           [](const Model &model) {
             return library().marimba_model_vocabulary(model.handle.get());
           })
      .def("end_ids",
           [](const Model &model) {
             size_t count = 0;
             const int32_t *ids =
                 library().marimba_model_end_ids(model.handle.get(), &count);
             return std::vector<int32_t>(ids, ids + count);
           })
      .def("encode", &encode, py::arg("text"), py::arg("begin"))
      .def("decode", &decode, py::arg("ids").noconvert());
  addSessions(module);
  addChats(module);
  module.def("compile", &compile, py::arg("directory"), py::arg("package"),
             py::arg("dump_ir"), py::arg("threads"), py::arg("dtype"),
             py::arg("isa"), py::arg("target_cpu"));
}
