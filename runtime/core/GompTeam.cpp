//===- GompTeam.cpp - The thread team on libgomp --------------------------===//
//
// clang ignores `#pragma omp` for libgomp, so this calls what gcc would emit.
//
//===----------------------------------------------------------------------===//

#include "Team.h"

extern "C" {
void GOMP_parallel(void (*function)(void *), void *data, unsigned threads,
                   unsigned flags);
int omp_get_thread_num();
int omp_get_num_threads();
int omp_in_parallel();
void omp_set_num_threads(int threads);
void omp_set_dynamic(int dynamic);
int omp_get_max_threads();
}

namespace marimba::rt::team {

void run(int threads, void (*function)(void *), void *data) {
  countRegion(threads);
  GOMP_parallel(function, data, static_cast<unsigned>(threads), 0);
}
int threadNumber() { return omp_get_thread_num(); }
int teamSize() { return omp_get_num_threads(); }
bool inside() { return omp_in_parallel() != 0; }
void setDefaultSize(int threads) {
  omp_set_dynamic(0);
  omp_set_num_threads(threads);
}
int defaultSize() { return omp_get_max_threads(); }

} // namespace marimba::rt::team
