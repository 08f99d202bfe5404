//===- JitCode.cpp - Modules to code in this process ----------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/JitCode.h"
#include "tools/libmarimba/Diagnostics.h"

#include "marimba/Model.h"
#include "marimba/abi.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;
using mlir::marimba::EmitKind;
using mlir::marimba::JITModule;

CodePtr marimba::linkWithRuntime(SmallVector<char, 0> object,
                                 std::string &error) {
  const std::pair<StringRef, void *> symbols[] = {
      {MARIMBA_FN_PARALLEL_FOR,
       reinterpret_cast<void *>(&marimba_parallel_for)},
      {MARIMBA_FN_PARALLEL_PHASES,
       reinterpret_cast<void *>(&marimba_parallel_phases)},
      {MARIMBA_FN_ARENA_ALLOC, reinterpret_cast<void *>(&marimba_arena_alloc)},
      {MARIMBA_FN_CHECK_FAILED,
       reinterpret_cast<void *>(&marimba_check_failed)},
      {MARIMBA_FN_ONEDNN_MATMUL,
       reinterpret_cast<void *>(&marimba_onednn_matmul)},
      {MARIMBA_FN_ONEDNN_REORDER,
       reinterpret_cast<void *>(&marimba_onednn_reorder)},
      {MARIMBA_FN_ONEDNN_INTEGER_MATMUL,
       reinterpret_cast<void *>(&marimba_onednn_integer_matmul)},
      {MARIMBA_FN_PACKED_WEIGHTS,
       reinterpret_cast<void *>(&marimba_packed_weights)},
      {MARIMBA_FN_STORED_MATRICES,
       reinterpret_cast<void *>(&marimba_stored_matrices)},
      {MARIMBA_FN_READ_MATRIX, reinterpret_cast<void *>(&marimba_read_matrix)},
      {MARIMBA_FN_PROFILE_BEGIN,
       reinterpret_cast<void *>(&marimba_profile_begin)},
      {MARIMBA_FN_PROFILE_END, reinterpret_cast<void *>(&marimba_profile_end)},
  };
  Expected<std::unique_ptr<JITModule>> code = JITModule::create(
      std::make_unique<SmallVectorMemoryBuffer>(
          std::move(object), "marimba.o", /*RequiresNullTerminator=*/false),
      symbols);
  if (code)
    return std::move(*code);
  error = "linking compiled code: " + toString(code.takeError());
  return nullptr;
}

std::shared_ptr<const rt::CompiledModule>
marimba::bindCode(CodePtr code, std::string &error) {
  JITModule *module = code.get();
  return rt::CompiledModule::bind(
      [module](const char *symbol) -> void * {
        Expected<void *> address = module->lookup(symbol);
        if (address)
          return *address;
        consumeError(address.takeError());
        return nullptr;
      },
      error, code);
}

CodePtr marimba::compileText(StringRef text, StringRef name,
                             const mlir::marimba::PipelineOptions &pipeline,
                             const mlir::marimba::TargetOptions &target,
                             std::string &error, StringRef firstStage) {
  mlir::DialectRegistry registry;
  mlir::marimba::registerPipelineDialects(registry);
  // What the text may hold from its first stage on.
  registry.insert<mlir::LLVM::LLVMDialect>();
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  context.printOpOnDiagnostic(false);
  ErrorCollector errors(context);
  auto fail = [&](const Twine &otherwise) {
    error = errors.text((name + ": " + otherwise).str());
    return nullptr;
  };
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceString<mlir::ModuleOp>(
          text, mlir::ParserConfig(&context), name);
  if (!module)
    return fail("is not an MLIR module");
  mlir::marimba::PipelineOptions stages = pipeline;
  stages.firstStage = firstStage.str();
  if (mlir::failed(mlir::marimba::runStages(*module, stages)))
    return fail("cannot be lowered");
  SmallVector<char, 0> object;
  raw_svector_ostream os(object);
  if (Error failure = mlir::marimba::findTarget(stages.target)
                          ->emit(*module, EmitKind::Object, target, os))
    return fail(toString(std::move(failure)));
  return linkWithRuntime(std::move(object), error);
}
