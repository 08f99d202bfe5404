//===- Kernel.h - Generated code as a function of floats --------*- C++ -*-===//
//
// Part of Marimba. A module with one entry, compiled as a model is, whose
// input is a block of numbers and whose output is what becomes of them.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TEST_NUMERICS_KERNEL_H
#define MARIMBA_TEST_NUMERICS_KERNEL_H

#include "tools/libmarimba/JitCode.h"

#include "marimba/Context.h"
#include "marimba/Tensor.h"
#include "marimba/abi.h"
#include <array>
#include <memory>
#include <string>
#include <vector>

namespace marimba::numerics {

/// Numbers of one call: the channels of its tensors, in whole vectors.
inline constexpr int64_t kBlock = 4096;

/// One tensor of the entry, [1, 1, kBlock] or `rows` in place of the second 1.
struct Operand {
  enum Kind { Input, Output, Constant };
  Kind kind;
  float fill = 0;      // of Constant; of Output before each call
  int64_t rows = 1;    // of kBlock each
  bool narrow = false; // [1, 1, rows]: B and C of a scan
};

/// A weight: rows of one value each; of rank 1 where there is one row.
using Weight = std::vector<float>;

struct ModuleSpec {
  std::string text; // $D is kBlock
  std::vector<Operand> operands;
  std::vector<Weight> weights;
};

/// Code, shared by the threads that call it.
class Code {
public:
  /// Null and `error` where the module does not compile.
  static std::unique_ptr<Code>
  compile(const ModuleSpec &spec, llvm::StringRef name, std::string &error);

  const ModuleSpec &spec() const { return *module; }
  MarimbaEntry entry() const { return function; }

private:
  Code() = default;
  const ModuleSpec *module = nullptr;
  CodePtr code;
  MarimbaEntry function = nullptr;
};

/// Memory of the calls of one thread.
class Caller {
public:
  static std::unique_ptr<Caller> create(const Code &code, std::string &error);

  /// kBlock numbers, to be filled in.
  float *input() { return in; }
  /// Runs the code on them: the rows of the output, kBlock numbers each; null
  /// and `error` where the runtime reports one.
  const float *run(std::string &error);

private:
  explicit Caller(const Code &code) : code(code) {}
  bool addTensor(std::vector<MarimbaTensor> &list,
                 std::initializer_list<int64_t> shape, float **data);

  const Code &code;
  std::unique_ptr<rt::Context> context;
  std::vector<rt::AlignedBuffer> buffers;
  std::vector<MarimbaTensor> args, weights;
  MarimbaCall call = {};
  float *in = nullptr, *out = nullptr;
  int64_t outCount = 0;
  float outFill = 0;
};

} // namespace marimba::numerics

#endif // MARIMBA_TEST_NUMERICS_KERNEL_H
