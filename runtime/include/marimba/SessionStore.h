//===- SessionStore.h - A folder of kept beginnings -------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_SESSIONSTORE_H
#define MARIMBA_RUNTIME_SESSIONSTORE_H

#include "marimba/KeptFile.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace marimba::rt {

/// The files of one model in a folder, written by a thread. Those of other
/// models are left alone: several programs may use a folder at once, each with
/// a model of its own. All functions may be called from any thread.
class SessionStore {
public:
  using Note = std::function<void(const std::string &)>;

  /// Makes the folder, with mode 0700, where it is not there. `note` hears of
  /// files that are no use; it may be called from the writer's thread. Null
  /// and `error` where it cannot be used, also because another store of the
  /// model, of any process, is open: each would remove what the other needs.
  static std::unique_ptr<SessionStore> open(const std::filesystem::path &folder,
                                            const ReadyModel &model, Note note,
                                            std::string &error);
  /// When all that was given to write() is written.
  ~SessionStore();

  /// The parts that were there when it was opened: only their headers were
  /// read.
  const std::vector<KeptHeader> &found() const { return parts; }

  /// Has a part written, after those before. A part that is being written
  /// already is not written twice: false.
  bool write(KeptPart part);
  /// Bytes of the parts that are not written yet.
  int64_t queuedBytes() const;
  /// What was written since the last call, and the bytes of the file: 0 where
  /// that failed.
  std::vector<std::pair<PathDigest, int64_t>> takeWritten();
  /// Waits until what was given to write() by now is written.
  void flush();

  /// Every byte checked; nothing, and a note, where it is no use.
  std::optional<KeptPart> read(const PathDigest &digest);
  void remove(const PathDigest &digest);

  /// Sessions of this model, by name. Whatever is changed is on the disk when
  /// this returns; false and `error` where it is not, and nothing changed.
  std::vector<KeptSession> sessions() const;
  std::optional<KeptSession> session(const std::string &name,
                                     std::string &error) const;
  bool saveSession(KeptSession session, std::string &error);
  bool forkSession(const std::string &from, const std::string &to,
                   std::string &error);
  bool removeSession(const std::string &name, std::string &error);

private:
  SessionStore() = default;
  bool lock(std::string &error);
  void scan();
  void writeAll();
  void tell(const std::filesystem::path &path, const std::string &problem);

  std::filesystem::path folder;
  int lockFile = -1;            // held as long as this lives
  std::string weights, meaning; // of the model
  PathDigest model;
  Note note;
  std::vector<KeptHeader> parts;

  mutable std::mutex mutex; // of what follows
  std::condition_variable changed;
  std::deque<KeptPart> queue; // the first is being written
  int64_t queued = 0;
  uint64_t accepted = 0, handled = 0; // parts, since it was opened
  std::vector<std::pair<PathDigest, int64_t>> written;
  std::map<std::string, KeptSession> named;
  std::set<std::string> foreign; // names that other models' sessions have
  std::map<std::string, std::string> broken; // names, and what is wrong
  bool ending = false;
  std::mutex naming;  // one change of a session's file at a time
  std::thread thread; // last: it uses the rest
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_SESSIONSTORE_H
