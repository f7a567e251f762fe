// Inlined into its caller, so that its lines are costs of a function of another file.
static inline __attribute__((always_inline)) long mix(long total, long round) {
  total = total * 31 + round;
  return total ^ (total >> 7);
}
