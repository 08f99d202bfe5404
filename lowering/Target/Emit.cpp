//===- Emit.cpp - LLVM IR, assembly, object files ---------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Target/CodeGenerator.h"
#include "lowering/Target/TargetMachine.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Target/LLVMIR/ModuleTranslation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace mlir::marimba;

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

//===----------------------------------------------------------------------===//
// Target machine
//===----------------------------------------------------------------------===//

/// Features of the host as LLVM writes them: "+avx512f,-avx512er,...".
static std::string hostFeatures() {
  llvm::SubtargetFeatures features;
  for (auto &[name, on] : llvm::sys::getHostCPUFeatures())
    features.AddFeature(name, on);
  return features.getString();
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
mlir::marimba::createTargetMachine(const TargetOptions &options) {
  static const bool initialized = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)initialized;
  llvm::Triple triple(llvm::sys::getProcessTriple());
  std::string message;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return makeError("no code generator for " + triple.str() + ": " + message);
  bool host = options.cpu.empty();
  std::string cpu = host ? llvm::sys::getHostCPUName().str() : options.cpu;
  std::unique_ptr<llvm::MCSubtargetInfo> known(
      target->createMCSubtargetInfo(triple, "", ""));
  if (!host && !known->isCPUStringValid(cpu))
    return makeError("unknown processor '" + cpu +
                     "', expected one that LLVM " + "knows for " +
                     triple.str() + " (x86-64-v4, for example)");
  std::string features =
      host && options.features.empty() ? hostFeatures() : options.features;
  // The last word on an extension holds.
  for (const std::string &name : options.without)
    features += (features.empty() ? "-" : ",-") + name;
  llvm::TargetOptions codegen;
  // a * b + c may be one operation; sums keep their order.
  codegen.AllowFPOpFusion = llvm::FPOpFusion::Fast;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, cpu, features, codegen, llvm::Reloc::PIC_, llvm::CodeModel::Small,
      options.optLevel == 0 ? llvm::CodeGenOptLevel::None
                            : llvm::CodeGenOptLevel::Default));
  if (!machine)
    return makeError("no code generator for cpu '" + cpu + "'");
  return machine;
}

/// Whether the target has all of `names`; not where there is no such target.
static bool hasFeatures(const TargetOptions &options,
                        ArrayRef<StringRef> names) {
  auto machine = createTargetMachine(options);
  if (!machine) {
    llvm::consumeError(machine.takeError());
    return false;
  }
  return llvm::all_of(names, [&](StringRef name) {
    return (*machine)->getMCSubtargetInfo()->checkFeatures(name.str());
  });
}

unsigned mlir::marimba::preferredVectorBits(const TargetOptions &options) {
  if (hasFeatures(options, {"+avx512f", "+avx512vl"}))
    return 512;
  return hasFeatures(options, {"+avx2"}) ? 256 : 128;
}

bool mlir::marimba::hasBF16Dots(const TargetOptions &options) {
  return hasFeatures(options, {"+avx512bf16"}) ||
         hasFeatures(options, {"+avx512f", "+amx-bf16"});
}

IntegerUnit mlir::marimba::integerUnitOf(const TargetOptions &options) {
  bool wide = preferredVectorBits(options) > 256;
  if (hasFeatures(options, {"+avx512vnni", "+avx512vl"}) ||
      (!wide && hasFeatures(options, {"+avxvnni"})))
    return IntegerUnit::VNNI;
  return hasFeatures(options, {wide ? "+avx512bw" : "+avx2"})
             ? IntegerUnit::MAddUBS
             : IntegerUnit::None;
}

bool mlir::marimba::hasTiles(const TargetOptions &options) {
  return hasFeatures(options, {"+amx-tile", "+amx-bf16", "+amx-int8",
                               "+avx512f", "+avx512bf16"});
}

bool mlir::marimba::hasByteTables(const TargetOptions &options) {
  return hasFeatures(options, {"+avx512vbmi", "+avx512bw"});
}

std::string mlir::marimba::describeTarget(const TargetOptions &options) {
  // A field that is added does not compile here until it is written, too.
  const auto &[cpu, features, optLevel, without] = options;
  auto machine = createTargetMachine(options);
  if (!machine) {
    llvm::consumeError(machine.takeError());
    return cpu + " " + features + " -" + llvm::join(without, ",-") + " O" +
           std::to_string(optLevel);
  }
  return ((*machine)->getTargetTriple().str() + " " +
          (*machine)->getTargetCPU() + " " +
          (*machine)->getTargetFeatureString() + " O" + llvm::Twine(optLevel))
      .str();
}

std::string mlir::marimba::processorName(const TargetOptions &options) {
  auto machine = createTargetMachine(options);
  if (machine)
    return (*machine)->getTargetCPU().str();
  llvm::consumeError(machine.takeError());
  return {};
}

std::vector<std::string>
mlir::marimba::processorFeatures(const TargetOptions &options) {
  std::vector<std::string> names;
  auto machine = createTargetMachine(options);
  if (!machine) {
    llvm::consumeError(machine.takeError());
    return names;
  }
  for (const llvm::SubtargetFeatureKV &feature :
       (*machine)->getMCSubtargetInfo()->getEnabledProcessorFeatures())
    names.push_back(feature.Key);
  return names;
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

/// Level 2: what the code of our pipelines needs of LLVM's passes. Vectors,
/// unrolled bodies and hoisted loads are there, and blocks are in the order
/// they run in; so the default pipeline, which looks for them again and again,
/// takes four times as long and makes no better code, but more.
static constexpr llvm::StringLiteral kPasses =
    "globaldce,"
    "function(sroa,early-cse<memssa>,instcombine<no-verify-fixpoint>,"
    "simplifycfg),"
    "cgscc(inline),"
    "function(sroa,early-cse<memssa>,simplifycfg,loop-simplify,lcssa,"
    "loop-mssa(loop-simplifycfg,licm<allowspeculation>,"
    "loop-rotate<header-duplication>,licm<allowspeculation>),"
    "simplifycfg,instcombine<no-verify-fixpoint>,"
    "loop(indvars,loop-deletion,loop-unroll-full),sroa,gvn,"
    "instcombine<no-verify-fixpoint>,simplifycfg,"
    "loop-mssa(licm<allowspeculation>)),"
    "globaldce";

static llvm::Error optimize(llvm::Module &module, llvm::TargetMachine &machine,
                            unsigned level) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  llvm::OptimizationLevel optimization =
      level == 0   ? llvm::OptimizationLevel::O0
      : level == 1 ? llvm::OptimizationLevel::O1
                   : llvm::OptimizationLevel::O3;
  llvm::ModulePassManager passes;
  if (level != 2)
    passes = builder.buildPerModuleDefaultPipeline(optimization);
  else if (llvm::Error error = builder.parsePassPipeline(passes, kPasses))
    return error;
  passes.run(module, modules);
  return llvm::Error::success();
}

llvm::Error mlir::marimba::emit(ModuleOp module, EmitKind kind,
                                const TargetOptions &options,
                                llvm::raw_pwrite_stream &os) {
  auto machine = createTargetMachine(options);
  if (!machine)
    return machine.takeError();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code =
      translateModuleToLLVMIR(module, context, "marimba");
  if (!code)
    return makeError("the module does not translate to LLVM IR");
  code->setDataLayout((*machine)->createDataLayout());
  code->setTargetTriple((*machine)->getTargetTriple());
  std::string width = std::to_string(preferredVectorBits(options));
  for (llvm::Function &function : *code) {
    function.addFnAttr("target-cpu", (*machine)->getTargetCPU());
    function.addFnAttr("target-features", (*machine)->getTargetFeatureString());
    function.addFnAttr("prefer-vector-width", width);
  }
  if (llvm::Error error = optimize(*code, **machine, options.optLevel))
    return error;
  if (kind == EmitKind::LLVM) {
    code->print(os, nullptr);
    return llvm::Error::success();
  }
  llvm::legacy::PassManager codegen;
  if ((*machine)->addPassesToEmitFile(codegen, os, nullptr,
                                      kind == EmitKind::Assembly
                                          ? llvm::CodeGenFileType::AssemblyFile
                                          : llvm::CodeGenFileType::ObjectFile))
    return makeError("the target cannot write this kind of file");
  codegen.run(*code);
  return llvm::Error::success();
}

StringRef mlir::marimba::matmulUnit(ArrayRef<std::string> features) {
  auto has = [&](StringRef name) { return is_contained(features, name); };
  if (has("amx-bf16") || has("amx-int8"))
    return "amx";
  if (has("avx512bf16"))
    return "avx512-bf16";
  if (has("avx512vnni"))
    return "avx512-vnni";
  if (has("avx512bw"))
    return "avx512";
  return has("avx2") ? "avx2" : "other";
}
