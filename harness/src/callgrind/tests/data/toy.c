// The program behind the profiles: recursion, inlined code of another file, a library call, a planted extra call.
#include <string.h>

#include "toy.h"

static char buffer[4096];

__attribute__((noinline)) long sum(long n) {
  return n == 0 ? 0 : n + sum(n - 1);
}

__attribute__((noinline)) long work(int rounds) {
  long total = 0;
  for (int round = 0; round < rounds; round++) {
    total = mix(total, round);
  }
  return total;
}

int main(void) {
  long total = work(100) + sum(5);
#ifdef PLANTED
  total += work(50);
#endif
  memset(buffer, (int)total, sizeof buffer);
  return buffer[0] == 1 ? 1 : 0;
}
