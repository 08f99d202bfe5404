//===- HttpExchange.cpp - HTTP by cpp-httplib -----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

// The only file that knows the library, which takes long to compile.

#include "tools/server/HttpExchange.h"

#include <cstring>
#include <httplib.h>
#include <utility>

using namespace marimba::server;

namespace {
/// A request that is there already, and the way of its reply.
class ExchangeStream : public httplib::Stream {
public:
  ExchangeStream(Connection &connection, std::string_view text)
      : connection(connection), text(text) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char *to, size_t size) override {
    size = std::min(size, text.size());
    std::memcpy(to, text.data(), size);
    text.remove_prefix(size);
    return static_cast<ssize_t>(size);
  }
  ssize_t write(const char *from, size_t size) override {
    return connection.write({from, size}) ? static_cast<ssize_t>(size) : -1;
  }
  void get_remote_ip_and_port(std::string &, int &) const override {}
  void get_local_ip_and_port(std::string &, int &) const override {}
  socket_t socket() const override { return connection.descriptor(); }

private:
  Connection &connection;
  std::string_view text;
};

class SinkWriter : public Writer {
public:
  explicit SinkWriter(httplib::DataSink &sink) : sink(sink) {}
  bool write(std::string_view text) override {
    return good = good && sink.write(text.data(), text.size());
  }
  bool good = true;

private:
  httplib::DataSink &sink;
};
} // namespace

class HttpExchange::Impl : public httplib::Server {
public:
  explicit Impl(const std::function<void(const Call &, Reply &)> &handler)
      : handler(handler) {
    // Before the library looks at paths, files and bodies.
    set_pre_routing_handler(
        [this](const httplib::Request &request, httplib::Response &response) {
          route(request, response);
          return HandlerResponse::Handled;
        });
    // It takes this for a sign that it goes on.
    svr_sock_ = 0;
  }

  bool answer(Connection &connection, const RawRequest &request) {
    ExchangeStream stream(connection, request.head);
    now = &connection;
    body = request.body;
    bool closed = false, whole = true;
    broken = false;
    whole = process_request(stream, /*close_connection=*/false, closed,
                            [](httplib::Request &) {});
    if (std::function<void()> work = std::exchange(after, nullptr))
      work();
    return whole && !closed && !broken;
  }

private:
  void route(const httplib::Request &request, httplib::Response &response);

  const std::function<void(const Call &, Reply &)> &handler;
  Connection *now = nullptr;
  std::string_view body;
  bool broken = false; // a reply has ended before its end
  std::function<void()> after;
};

void HttpExchange::Impl::route(const httplib::Request &request,
                               httplib::Response &response) {
  auto header = [&](const char *name) {
    return request.get_header_value(name);
  };
  Reply reply;
  Call call{request.method, request.path, {}, body, *now, header};
  try {
    handler(call, reply);
  } catch (const std::exception &exception) {
    reply = {};
    reply.fail({.status = 500, .message = exception.what()});
  }
  response.status = reply.status;
  after = std::move(reply.after);
  for (const auto &[name, value] : reply.headers)
    response.set_header(name, value);
  if (!reply.stream) {
    response.set_content(reply.body, reply.type);
    return;
  }
  // Without chunks only the end of the connection is the end of a stream.
  bool ends = request.version == "HTTP/1.0";
  auto provider = [this, ends, stream = std::move(reply.stream)](
                      size_t, httplib::DataSink &sink) {
    SinkWriter writer(sink);
    try {
      stream(writer);
    } catch (const std::exception &) { // no memory
      writer.good = false;
    }
    broken = !writer.good || ends;
    if (writer.good)
      sink.done();
    return writer.good;
  };
  if (ends)
    response.set_content_provider(reply.type, std::move(provider));
  else
    response.set_chunked_content_provider(reply.type, std::move(provider));
}

HttpExchange::HttpExchange(
    const std::function<void(const Call &, Reply &)> &handler)
    : impl(std::make_unique<Impl>(handler)) {}

HttpExchange::~HttpExchange() = default;

bool HttpExchange::answer(Connection &connection, const RawRequest &request) {
  return impl->answer(connection, request);
}
