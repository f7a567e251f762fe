// Clock cycles of a multiprocessor beside the device's own time: at what clock it runs now.
// launch: one block, one thread. out: cycles, and the nanoseconds that they took.

extern "C" __global__ void clocks(u64 ns, u64* out) {
    u64 start, now;
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(start));
    // From the beginning of one of its ticks, which are long.
    do asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
    while (now == start);
    const u64 first = clock64();
    start = now;
    do asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
    while (now - start < ns);
    out[0] = clock64() - first;
    out[1] = now - start;
}
