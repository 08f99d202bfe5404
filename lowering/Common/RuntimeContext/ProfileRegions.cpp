//===- ProfileRegions.cpp - Time of each op of a layer ----------*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Common/Passes.h"
#include "lowering/Common/RuntimeContext/Description.h"
#include "marimba/abi.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#define DEBUG_TYPE "profile-regions"

namespace mlir::marimba {
#define GEN_PASS_DEF_PROFILEREGIONS
#include "lowering/Common/ProfileRegions.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

using Names = llvm::SetVector<StringRef>;

/// Neighbours that come from one op of the model.
struct Region {
  Operation *first, *last;
  Names names; // that op first, then what was fused with it
};

/// The importer names an op by its location; its child is the layer.
void addNames(Location loc, Names &names) {
  if (auto name = dyn_cast<NameLoc>(loc))
    names.insert(name.getName());
  else if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      addNames(part, names);
  else if (auto site = dyn_cast<CallSiteLoc>(loc))
    addNames(site.getCallee(), names);
}

Names namesOf(Operation *op) {
  Names names;
  op->walk<WalkOrder::PreOrder>([&](Operation *nested) {
    addNames(nested->getLoc(), names);
    if (names.empty())
      names.insert(nested->getName().getStringRef());
  });
  return names;
}

/// Whether something happens in `op` itself: views, sizes and scratch memory
/// are no work, whatever their own op does is that of a called function.
bool works(Operation *op) {
  if (isa_and_present<rt::RuntimeDialect>(op->getDialect()) ||
      op->hasTrait<OpTrait::IsTerminator>())
    return false;
  std::optional<SmallVector<MemoryEffects::EffectInstance>> effects =
      getEffectsRecursively(op);
  return !effects || llvm::any_of(*effects, [](auto &effect) {
    return isa<MemoryEffects::Write>(effect.getEffect());
  });
}

bool callsLayer(Operation *op) {
  return op->walk([](func::CallOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

SmallVector<Region> findRegions(Block &block) {
  SmallVector<Region> regions;
  bool open = false;
  for (Operation &op : block) {
    if (callsLayer(&op)) {
      open = false;
      continue;
    }
    if (!works(&op))
      continue;
    Names names = namesOf(&op);
    if (open && regions.back().names.front() == names.front()) {
      regions.back().last = &op;
      regions.back().names.insert(names.begin(), names.end());
    } else {
      regions.push_back({&op, &op, std::move(names)});
    }
    open = true;
  }
  return regions;
}

struct ProfileRegionsPass
    : mlir::marimba::impl::ProfileRegionsBase<ProfileRegionsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::string text;
    llvm::raw_string_ostream os(text);
    llvm::json::OStream json(os);
    int64_t count = 0;
    json.array([&] {
      for (auto func : module.getOps<func::FuncOp>()) {
        if (func.isExternal())
          continue;
        for (const Region &region : findRegions(func.getBody().front())) {
          measure(region, count++);
          json.object([&] {
            auto entry = func->getAttrOfType<StringAttr>(kEntryAttr);
            json.attribute("function",
                           entry ? entry.getValue() : func.getSymName());
            json.attributeArray("ops", [&] {
              for (StringRef name : region.names)
                json.value(name);
            });
          });
        }
      }
    });
    LDBG() << count << " regions";
    numRegions += count;
    if (count == 0)
      return;
    addText(module, MARIMBA_SYMBOL_PROFILE_DESCRIPTION, text);
    addCounters(module, count);
  }

  void measure(const Region &region, int64_t index) {
    OpBuilder b(region.first);
    Value begin =
        rt::ProfileBeginOp::create(b, region.first->getLoc(), b.getI64Type());
    b.setInsertionPointAfter(region.last);
    rt::ProfileEndOp::create(b, region.last->getLoc(), begin, index);
  }

  void addCounters(ModuleOp module, int64_t count) {
    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    constexpr int64_t fields = sizeof(MarimbaProfileRegion) / sizeof(int64_t);
    auto region = LLVM::LLVMArrayType::get(b.getI64Type(), fields);
    auto zeros = DenseElementsAttr::get(
        RankedTensorType::get({count, fields}, b.getI64Type()),
        b.getI64IntegerAttr(0).getValue());
    LLVM::GlobalOp::create(b, module.getLoc(),
                           LLVM::LLVMArrayType::get(region, count),
                           /*isConstant=*/false, LLVM::Linkage::External,
                           MARIMBA_SYMBOL_PROFILE_REGIONS, zeros);
  }
};

} // namespace
