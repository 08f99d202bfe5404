//===- CodeGenerator.h - LLVM dialect to machine code ------------*- C++
//-*-===//
//
// Part of Marimba. The host's code generator: the only user of LLVM's and of
// ORC.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_TARGET_CODEGENERATOR_H
#define MARIMBA_LOWERING_TARGET_CODEGENERATOR_H

#include "lowering/Target/IntegerUnit.h"

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace llvm {
class raw_pwrite_stream;
} // namespace llvm

namespace mlir {
class ModuleOp;

namespace marimba {

/// What code is generated for. Empty strings mean the host.
struct TargetOptions {
  std::string cpu;
  std::string features;
  unsigned optLevel = 2;
  /// Extensions, as LLVM names them, that are not used even where the target
  /// has them; nor is what builds on them.
  std::vector<std::string> without = {};
};

/// Width in bits of the widest vector register that pays off on the target.
unsigned preferredVectorBits(const TargetOptions &options);

/// Whether the target has dot products of bf16 (AVX512-BF16 or AMX).
bool hasBF16Dots(const TargetOptions &options);
/// What it multiplies bytes by, in vectors of its preferred width.
IntegerUnit integerUnitOf(const TargetOptions &options);
/// Whether it has AMX's tiles of bf16 and of bytes.
bool hasTiles(const TargetOptions &options);
/// Whether it looks bytes up in two registers of 512 bits.
bool hasByteTables(const TargetOptions &options);
/// All of the target that changes code, as text: triple, processor, features,
/// level of optimisation.
std::string describeTarget(const TargetOptions &options);

/// The name of the target's processor and of all that it has beyond the base of
/// its architecture, as LLVM spells them; some are no instructions but hints
/// for the code generator. Nothing where there is no such target.
std::string processorName(const TargetOptions &options);
std::vector<std::string> processorFeatures(const TargetOptions &options);
/// The strongest unit among LLVM's names of extensions that decides how
/// products are made: "amx", "avx512-bf16", "avx512-vnni", "avx512", "avx2";
/// "other" where there is none.
llvm::StringRef matmulUnit(llvm::ArrayRef<std::string> features);

enum class EmitKind { LLVM, Assembly, Object };

/// Writes a module in the LLVM dialect as LLVM IR, assembly or an object file.
llvm::Error emit(ModuleOp module, EmitKind kind, const TargetOptions &options,
                 llvm::raw_pwrite_stream &os);

/// Code in memory, ready to be called.
class JITModule {
public:
  /// Addresses of what generated code may call, by name (abi.h).
  using Symbols = llvm::ArrayRef<std::pair<llvm::StringRef, void *>>;

  /// Links an object file, as `emit` writes it, into this process. Besides
  /// `symbols`, code may call the C library's mathematics.
  static llvm::Expected<std::unique_ptr<JITModule>>
  create(std::unique_ptr<llvm::MemoryBuffer> object, Symbols symbols);

  ~JITModule();

  /// Address of a symbol, or an error that names it.
  llvm::Expected<void *> lookup(llvm::StringRef name);

private:
  struct Impl;
  explicit JITModule(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace marimba
} // namespace mlir

#endif // MARIMBA_LOWERING_TARGET_CODEGENERATOR_H
