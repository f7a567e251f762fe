// What the int8 tensor cores give at best: the instruction of ternary_many.cu on registers, eight sums a warp that do not wait for each
// other. A turn of a warp is eight times 16 x 8 x 32 multiply-adds.
// launch: any grid, 256 threads. out: one word, which is written by nothing that is expected.

extern "C" __global__ void __launch_bounds__(256) int8_peak(int turns, int* out) {
    int sums[8][4] = {};
    const u32 x = threadIdx.x * 0x01010101u & 0x03030303u;
    for (int turn = 0; turn < turns; turn++) {
#pragma unroll
        for (int i = 0; i < 8; i++) mma(sums[i], x, x ^ 1, x ^ 2, x ^ 3, x, x ^ turn);
    }
    int all = 0;
#pragma unroll
    for (int i = 0; i < 8; i++) all ^= sums[i][0] ^ sums[i][1] ^ sums[i][2] ^ sums[i][3];
    if (all == 0x1e3779b9) *out = all;
}
