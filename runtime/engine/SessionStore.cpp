//===- SessionStore.cpp - A folder of kept beginnings ---------------------===//

#include "marimba/SessionStore.h"

#include "marimba/CacheFiles.h"
#include "marimba/ReadyModel.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace marimba::rt {

namespace fs = std::filesystem;

std::unique_ptr<SessionStore> SessionStore::open(const fs::path &folder,
                                                 const ReadyModel &model,
                                                 Note note,
                                                 std::string &error) {
  if (!makePrivateFolder(folder, error))
    return nullptr;
  std::unique_ptr<SessionStore> store(new SessionStore);
  store->folder = folder;
  StateOrigin origin = model.stateOrigin();
  store->weights = origin.weights;
  store->meaning = origin.meaning;
  store->model = PathDigest::beginning(model);
  store->note = std::move(note);
  if (!store->lock(error))
    return nullptr;
  store->scan();
  store->thread = std::thread([made = store.get()] { made->writeAll(); });
  return store;
}

SessionStore::~SessionStore() {
  {
    std::scoped_lock lock(mutex);
    ending = true;
    changed.notify_all();
  }
  if (thread.joinable())
    thread.join();
  if (lockFile >= 0)
    close(lockFile);
}

bool SessionStore::lock(std::string &error) {
  fs::path path = folder / fileName(model);
  path.replace_extension(".lock");
  lockFile =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lockFile < 0) {
    error = path.string() + ": cannot be opened: " + std::strerror(errno);
    return false;
  }
  // File systems without locks have the folder used by one, as they are told.
  if (flock(lockFile, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
    return true;
  error = folder.string() +
          ": another server of this model uses it; expected a folder of its "
          "own for each";
  return false;
}

void SessionStore::tell(const fs::path &path, const std::string &problem) {
  if (note)
    note(path.string() + ": " + problem + "; it is ignored");
}

void SessionStore::scan() {
  std::error_code code;
  for (fs::directory_iterator it(folder, code), end; !code && it != end;
       it.increment(code)) {
    const fs::path &path = it->path();
    std::string problem;
    if (path.extension() == ".part") {
      std::optional<KeptHeader> header = readKeptHeader(path, problem);
      if (header && fileName(header->digest) != path.filename())
        header.reset(), problem = "has the name of another part";
      if (!header)
        tell(path, problem);
      else if (header->model == model)
        parts.push_back(*header);
      continue;
    }
    std::string name = path.stem().string(), ignored;
    if (path.extension() != ".session" || !checkSessionName(name, ignored))
      continue;
    std::optional<KeptSession> session = readKeptSession(path, problem);
    if (!session) {
      tell(path, problem);
      broken[name] = problem;
    } else if (session->weights == weights && session->meaning == meaning) {
      named[name] = std::move(*session);
    } else {
      foreign.insert(name);
    }
  }
  if (code)
    tell(folder, "cannot be read: " + code.message());
  // Where a sequence begins before what goes on from it.
  std::ranges::sort(parts, {}, &KeptHeader::begin);
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

static int64_t bytesOf(const KeptPart &part) {
  return static_cast<int64_t>(part.ids.size() * sizeof(int32_t)) +
         (part.tokens ? part.tokens->size() : 0) +
         (part.states ? part.states->size() : 0);
}

bool SessionStore::write(KeptPart part) {
  std::scoped_lock lock(mutex);
  for (const KeptPart &other : queue)
    if (other.header.digest == part.header.digest)
      return false;
  queued += bytesOf(part);
  queue.push_back(std::move(part));
  ++accepted;
  changed.notify_all();
  return true;
}

int64_t SessionStore::queuedBytes() const {
  std::scoped_lock lock(mutex);
  return queued;
}

void SessionStore::writeAll() {
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [&] { return ending || !queue.empty(); });
    if (queue.empty())
      return;
    // Whatever is added goes behind it.
    const KeptPart &part = queue.front();
    lock.unlock();
    std::string problem;
    std::optional<int64_t> bytes;
    try {
      bytes = writeKept(folder, part, problem);
    } catch (const std::exception &exception) {
      problem = exception.what();
    }
    if (!bytes && note)
      note((folder / fileName(part.header.digest)).string() + ": " + problem +
           "; what it holds will be read again");
    lock.lock();
    written.emplace_back(part.header.digest, bytes.value_or(0));
    queued -= bytesOf(part);
    queue.pop_front();
    ++handled;
    changed.notify_all();
  }
}

std::vector<std::pair<PathDigest, int64_t>> SessionStore::takeWritten() {
  std::scoped_lock lock(mutex);
  return std::exchange(written, {});
}

void SessionStore::flush() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [&, upTo = accepted] { return handled >= upTo; });
}

std::optional<KeptPart> SessionStore::read(const PathDigest &digest) {
  fs::path path = folder / fileName(digest);
  std::string problem;
  std::optional<KeptPart> part = readKeptPart(path, problem);
  if (part && (part->header.model != model || part->header.digest != digest)) {
    part.reset();
    problem = "has the name of another part";
  }
  if (!part)
    tell(path, problem);
  return part;
}

void SessionStore::remove(const PathDigest &digest) {
  std::error_code code;
  fs::remove(folder / fileName(digest), code);
}

//===----------------------------------------------------------------------===//
// Sessions
//===----------------------------------------------------------------------===//

std::vector<KeptSession> SessionStore::sessions() const {
  std::scoped_lock lock(mutex);
  std::vector<KeptSession> result;
  for (const auto &[name, session] : named)
    result.push_back(session);
  return result;
}

std::optional<KeptSession> SessionStore::session(const std::string &name,
                                                 std::string &error) const {
  if (!checkSessionName(name, error))
    return std::nullopt;
  std::scoped_lock lock(mutex);
  if (auto found = named.find(name); found != named.end())
    return found->second;
  error = "there is no session '" + name + "'";
  if (foreign.contains(name))
    error = "session '" + name + "' belongs to another model";
  else if (auto found = broken.find(name); found != broken.end())
    error = "session '" + name + "': " + (folder / fileName(name)).string() +
            " " + found->second;
  return std::nullopt;
}

bool SessionStore::saveSession(KeptSession session, std::string &error) {
  if (!checkSessionName(session.name, error))
    return false;
  std::scoped_lock one(naming);
  {
    std::scoped_lock lock(mutex);
    if (foreign.contains(session.name)) {
      error = "session '" + session.name + "' belongs to another model";
      return false;
    }
    // All are in memory, and none goes by itself.
    constexpr size_t most = 1024;
    if (!named.contains(session.name) && named.size() >= most) {
      error = "session '" + session.name + "': there are " +
              std::to_string(named.size()) + " sessions, expected at most " +
              std::to_string(most) + "; delete one first";
      return false;
    }
  }
  session.weights = weights;
  session.meaning = meaning;
  session.model = model;
  std::string problem;
  if (!writeKept(folder, session, problem)) {
    error = (folder / fileName(session.name)).string() + ": " + problem;
    return false;
  }
  std::scoped_lock lock(mutex);
  broken.erase(session.name);
  named[session.name] = std::move(session);
  return true;
}

bool SessionStore::forkSession(const std::string &from, const std::string &to,
                               std::string &error) {
  std::optional<KeptSession> copy = session(from, error);
  if (!copy || !checkSessionName(to, error))
    return false;
  {
    std::scoped_lock lock(mutex);
    if (named.contains(to) || foreign.contains(to) || broken.contains(to)) {
      error = "there is a session '" + to + "' already";
      return false;
    }
  }
  copy->name = to;
  return saveSession(std::move(*copy), error);
}

bool SessionStore::removeSession(const std::string &name, std::string &error) {
  std::scoped_lock one(naming);
  std::string why;
  if (!session(name, error)) {
    std::scoped_lock lock(mutex);
    if (!broken.contains(name))
      return false;
  }
  std::error_code code;
  if (!fs::remove(folder / fileName(name), code) && code) {
    error = (folder / fileName(name)).string() +
            ": cannot be removed: " + code.message();
    return false;
  }
  std::scoped_lock lock(mutex);
  named.erase(name);
  broken.erase(name);
  return true;
}

} // namespace marimba::rt
