//===- GroupLimitsTest.cpp - Control groups in folders of our own ---------===//

#include "marimba/GroupLimits.h"
#include "marimba/ThreadTeam.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

using namespace marimba::rt;
namespace fs = std::filesystem;

namespace {

constexpr int64_t mib = 1 << 20;

/// A /proc and a /sys below a folder of its own.
class GroupLimitsTest : public testing::Test {
protected:
  void SetUp() override {
    root = fs::temp_directory_path() /
           ("marimba-groups-" + std::to_string(getpid()) + "-" +
            testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root);
    fs::create_directories(root / "proc/self");
  }
  void TearDown() override { fs::remove_all(root); }

  void put(const std::string &path, const std::string &text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  }
  void mountUnified(const std::string &group = "/",
                    const std::string &folder = "/sys/fs/cgroup") {
    mounts += "30 24 0:26 " + group + " " + folder +
              " rw,nosuid,nodev - cgroup2 cgroup2 rw,nsdelegate\n";
    put("proc/self/mountinfo", mounts);
  }
  void mountOld(const std::string &controllers, const std::string &folder,
                const std::string &group = "/") {
    mounts += "31 24 0:27 " + group + " " + folder +
              " rw,relatime shared:9 - cgroup cgroup rw," + controllers + "\n";
    put("proc/self/mountinfo", mounts);
  }
  GroupLimits read() { return readGroupLimits(root); }

  fs::path root;
  std::string mounts = "24 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
                       "25 24 0:5 / /proc rw - proc proc rw\n";
};

TEST_F(GroupLimitsTest, NothingLimitsNothing) {
  fs::remove_all(root / "proc");
  EXPECT_FALSE(read().cpus);
  EXPECT_FALSE(read().memoryLeft);
}

TEST_F(GroupLimitsTest, Unified) {
  mountUnified();
  put("proc/self/cgroup", "0::/a.slice/b.scope\n");
  put("sys/fs/cgroup/a.slice/b.scope/cpu.max", "150000 100000\n");
  put("sys/fs/cgroup/a.slice/b.scope/memory.max", "262144000\n");
  put("sys/fs/cgroup/a.slice/b.scope/memory.current", "62144000\n");
  EXPECT_EQ(read().cpus, 1.5);
  EXPECT_EQ(read().memoryLeft, 200000000);
}

TEST_F(GroupLimitsTest, UnifiedMax) {
  mountUnified();
  put("proc/self/cgroup", "0::/a\n");
  put("sys/fs/cgroup/a/cpu.max", "max 100000\n");
  put("sys/fs/cgroup/a/memory.max", "max\n");
  put("sys/fs/cgroup/a/memory.high", "max\n");
  EXPECT_FALSE(read().cpus);
  EXPECT_FALSE(read().memoryLeft);
}

TEST_F(GroupLimitsTest, LeastOfNested) {
  mountUnified();
  put("proc/self/cgroup", "0::/a/b/c/d\n");
  fs::create_directories(root / "sys/fs/cgroup/a/b/c/d");
  put("sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n");
  put("sys/fs/cgroup/a/cpu.max", "50000 100000\n");
  put("sys/fs/cgroup/a/b/memory.max", std::to_string(300 * mib));
  put("sys/fs/cgroup/a/b/memory.current", std::to_string(100 * mib));
  put("sys/fs/cgroup/a/memory.max", std::to_string(500 * mib));
  put("sys/fs/cgroup/a/memory.current", std::to_string(450 * mib));
  EXPECT_EQ(read().cpus, 0.5);
  EXPECT_EQ(read().memoryLeft, 50 * mib);
}

TEST_F(GroupLimitsTest, CachesOfFilesAreNotUsed) {
  mountUnified();
  put("proc/self/cgroup", "0::/a\n");
  put("sys/fs/cgroup/a/memory.max", "1000\n");
  put("sys/fs/cgroup/a/memory.current", "900\n");
  put("sys/fs/cgroup/a/memory.stat",
      "anon 200\nfile 700\ninactive_file 300\nactive_file 400\n");
  EXPECT_EQ(read().memoryLeft, 800);
}

TEST_F(GroupLimitsTest, High) {
  mountUnified();
  put("proc/self/cgroup", "0::/a\n");
  put("sys/fs/cgroup/a/memory.max", "1000\n");
  put("sys/fs/cgroup/a/memory.high", "600\n");
  put("sys/fs/cgroup/a/memory.current", "100\n");
  EXPECT_EQ(read().memoryLeft, 500);
  put("sys/fs/cgroup/a/memory.current", "700\n");
  EXPECT_EQ(read().memoryLeft, 0);
}

TEST_F(GroupLimitsTest, Version1) {
  mountOld("memory", "/sys/fs/cgroup/memory");
  mountOld("cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct");
  put("proc/self/cgroup", "5:memory:/a\n4:cpu,cpuacct:/a\n1:name=systemd:/b\n");
  put("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1000000\n");
  put("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "600000\n");
  put("sys/fs/cgroup/memory/a/memory.stat",
      "inactive_file 7\ntotal_inactive_file 100000\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "250000\n");
  put("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(read().cpus, 2.5);
  EXPECT_EQ(read().memoryLeft, 500000);
}

TEST_F(GroupLimitsTest, Version1ParentsThatDoNotCount) {
  mountOld("memory", "/sys/fs/cgroup/memory");
  put("proc/self/cgroup", "5:memory:/a/b\n");
  fs::create_directories(root / "sys/fs/cgroup/memory/a/b");
  put("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1000\n");
  put("sys/fs/cgroup/memory/a/memory.use_hierarchy", "0\n");
  EXPECT_FALSE(read().memoryLeft);
  put("sys/fs/cgroup/memory/a/memory.use_hierarchy", "1\n");
  EXPECT_EQ(read().memoryLeft, 1000);
}

TEST_F(GroupLimitsTest, Hybrid) {
  // Controllers are of version 1, version 2 has none; its line is not first.
  mountUnified("/", "/sys/fs/cgroup/unified");
  mountOld("memory", "/sys/fs/cgroup/memory");
  mountOld("cpu", "/mnt/my\\040cpu");
  put("proc/self/cgroup", "3:memory:/m\n2:cpu:/c\n0::/u\n");
  fs::create_directories(root / "sys/fs/cgroup/unified/u");
  put("sys/fs/cgroup/memory/m/memory.limit_in_bytes", "12345678\n");
  put("mnt/my cpu/c/cpu.cfs_quota_us", "50000\n");
  put("mnt/my cpu/c/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(read().cpus, 0.5);
  EXPECT_EQ(read().memoryLeft, 12345678);
}

TEST_F(GroupLimitsTest, ContainerOfVersion1WithoutNamespace) {
  // The paths are the host's; the mount shows the container's group only.
  mountOld("memory", "/sys/fs/cgroup/memory", "/docker/0123");
  mountOld("cpu", "/sys/fs/cgroup/cpu", "/docker/0123");
  put("proc/self/cgroup", "9:memory:/docker/0123/inner\n8:cpu:/docker/0123\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000\n");
  put("sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "4000\n");
  put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000\n");
  put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(read().memoryLeft, 4000);
  EXPECT_EQ(read().cpus, 3);
}

TEST_F(GroupLimitsTest, NamespaceWhoseRootIsElsewhere) {
  for (const char *group : {"/", "/../other", "/not/to/be/seen"}) {
    put("proc/self/cgroup", std::string("0::") + group + "\n");
    mounts = "";
    mountUnified("/../..");
    put("sys/fs/cgroup/cpu.max", "200000 100000\n");
    put("sys/fs/cgroup/memory.max", "7000\n");
    EXPECT_EQ(read().cpus, 2) << group;
    EXPECT_EQ(read().memoryLeft, 7000) << group;
  }
}

TEST_F(GroupLimitsTest, WithoutProc) {
  fs::remove_all(root / "proc");
  put("sys/fs/cgroup/memory.max", "7000\n");
  put("sys/fs/cgroup/cpu.max", "100000 50000\n");
  EXPECT_EQ(read().memoryLeft, 7000);
  EXPECT_EQ(read().cpus, 2);
  fs::remove_all(root / "sys");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "6000\n");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "100000\n");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(read().memoryLeft, 6000);
  EXPECT_EQ(read().cpus, 1);
}

TEST_F(GroupLimitsTest, Nonsense) {
  put("proc/self/cgroup", "\n:\n::\nabc\n0::\n9:memory\n0::/x");
  put("proc/self/mountinfo", "\n - \n1 2 3\n1 2 3 /x /y - cgroup2\n"
                             "1 2 3 / /sys/fs/cgroup rw - cgroup2 c rw\n");
  put("sys/fs/cgroup/x/memory.max", "99999999999999999999999\n");
  put("sys/fs/cgroup/x/cpu.max", "0 0\n");
  put("sys/fs/cgroup/memory.max", "-5\n");
  put("sys/fs/cgroup/cpu.max", "");
  EXPECT_FALSE(read().cpus);
  EXPECT_FALSE(read().memoryLeft);
}

TEST(ThreadsForTest, WholeCpusAtLeastOne) {
  EXPECT_EQ(threadsFor(0.01), 1);
  EXPECT_EQ(threadsFor(0.5), 1);
  EXPECT_EQ(threadsFor(1), 1);
  EXPECT_EQ(threadsFor(1.99), 1);
  EXPECT_EQ(threadsFor(2), 2);
  EXPECT_EQ(threadsFor(7.5), 7);
  EXPECT_GE(threadsFor(1e300), 1024);
}

TEST(ThreadsForTest, TheDefaultTeamKeepsToIt) {
  if (std::optional<double> cpus = readGroupLimits().cpus)
    EXPECT_LE(allowedCpus(), threadsFor(*cpus));
  EXPECT_GE(allowedCpus(), 1);
}

} // namespace
