// Ternary products of several tokens on the int8 tensor cores: mma m16n8k32, unsigned codes times signed activations.
//
// The order of a sum's terms is free, as they are integers: a lane takes 16 bytes of a row at once, whose words and planes are
// quads of columns, and the same quads of the activations. A block has 32 rows and 8 * TILES tokens; its warps share the columns
// between them.
//
// launch: grid (rows / 32, tokens / (8 * TILES)), 32 * WARPS threads: 256 for one and two tiles, 128 for four.
// codes: [tokens, n]; out: [tokens, stride].

__device__ __forceinline__ void mma(int (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
                 : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

#define MANY_ROWS 32

// What one lane reads of a step: 16 bytes of four rows, and 4 x 16 codes of each tile's token.
template <int TILES>
struct Step {
    uint4 w[2][2], x[TILES][4];

    __device__ __forceinline__ void load(const Ternary& matrix, int first, const i8* codes, int token0, int tokens, int n, int step) {
        const int lane = threadIdx.x % 32, g = lane / 4, c = lane % 4, group = step * 2 + c / 2;
        const bool there = group * 128 < n;
#pragma unroll
        for (int m = 0; m < 2; m++) {
#pragma unroll
            for (int h = 0; h < 2; h++) {
                int row = first + m * 16 + h * 8 + g;
                const uint4* at = (const uint4*)(matrix.codes + (size_t)row * (n / 4) + step * 64 + c * 16);
                w[m][h] = there && row < matrix.rows ? __ldg(at) : make_uint4(0, 0, 0, 0);
            }
        }
#pragma unroll
        for (int t = 0; t < TILES; t++) {
            int token = token0 + t * 8 + g;
#pragma unroll
            for (int k = 0; k < 4; k++) {
                const uint4* at = (const uint4*)(codes + (size_t)token * n + group * 128 + k * 32 + c % 2 * 16);
                x[t][k] = there && token < tokens ? *at : make_uint4(0, 0, 0, 0);
            }
        }
    }
};

template <int TILES, int WARPS, bool ADD>
__device__ __forceinline__ void ternary_many(const Ternary& matrix, int first, const i8* codes, const RowScale* scales, int tokens,
                                             int n, float* out, int stride) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, c = lane % 4;
    const int token0 = blockIdx.y * 8 * TILES;
    int sum[2][TILES][4] = {};
    const int n_steps = (n + 255) / 256;
    // The next step is on its way while this one is multiplied, where a thread has room for both.
    constexpr bool AHEAD_OF = TILES < 4;
    Step<TILES> now, next;
    if (AHEAD_OF && warp < n_steps) now.load(matrix, first, codes, token0, tokens, n, warp);
    for (int step = warp; step < n_steps; step += WARPS) {
        if (!AHEAD_OF) now.load(matrix, first, codes, token0, tokens, n, step);
        else if (step + WARPS < n_steps) next.load(matrix, first, codes, token0, tokens, n, step + WARPS);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            const int shift = 6 - 2 * k;
            const u32 mask = 0x03030303u;
#pragma unroll
            for (int m = 0; m < 2; m++) {
                u32 a0 = now.w[m][0].x >> shift & mask, a1 = now.w[m][1].x >> shift & mask;
                u32 a2 = now.w[m][0].y >> shift & mask, a3 = now.w[m][1].y >> shift & mask;
#pragma unroll
                for (int t = 0; t < TILES; t++) mma(sum[m][t], a0, a1, a2, a3, now.x[t][k].x, now.x[t][k].y);
                a0 = now.w[m][0].z >> shift & mask, a1 = now.w[m][1].z >> shift & mask;
                a2 = now.w[m][0].w >> shift & mask, a3 = now.w[m][1].w >> shift & mask;
#pragma unroll
                for (int t = 0; t < TILES; t++) mma(sum[m][t], a0, a1, a2, a3, now.x[t][k].z, now.x[t][k].w);
            }
        }
        if (AHEAD_OF) now = next;
    }
    __shared__ int sums[WARPS][8 * TILES][MANY_ROWS + 1];
#pragma unroll
    for (int m = 0; m < 2; m++) {
#pragma unroll
        for (int t = 0; t < TILES; t++) {
#pragma unroll
            for (int i = 0; i < 4; i++) sums[warp][t * 8 + c * 2 + i % 2][m * 16 + i / 2 * 8 + g] = sum[m][t][i];
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < 8 * TILES * MANY_ROWS; i += 32 * WARPS) {
        int t = i / MANY_ROWS, r = i % MANY_ROWS, token = token0 + t, row = first + r;
        if (token >= tokens || row >= matrix.rows) continue;
        int all = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++) all += sums[w][t][r];
        float y = scale_sum(all, scales[token], matrix.scale);
        float* at = out + (size_t)token * stride + row;
        *at = ADD ? *at + y : y;
    }
}

// out[token, row] of up to three matrices side by side; each block has rows of one of them.
template <int TILES, int WARPS>
__device__ __forceinline__ void ternary_three(const Ternary& a, const Ternary& b, const Ternary& c, const i8* codes,
                                              const RowScale* scales, int tokens, int n, float* out, int stride) {
    int block = blockIdx.x;
    const int in_a = (a.rows + MANY_ROWS - 1) / MANY_ROWS, in_b = (b.rows + MANY_ROWS - 1) / MANY_ROWS;
    Ternary matrix = a;
    if (block >= in_a + in_b) {
        block -= in_a + in_b, out += a.rows + b.rows, matrix = c;
    } else if (block >= in_a) {
        block -= in_a, out += a.rows, matrix = b;
    }
    ternary_many<TILES, WARPS, false>(matrix, block * MANY_ROWS, codes, scales, tokens, n, out, stride);
}

#define TERNARY_MANY(TILES, WARPS)                                                                                              \
    extern "C" __global__ void __launch_bounds__(32 * WARPS)                                                                    \
    ternary_many_##TILES(Ternary a, Ternary b, Ternary c, const i8* codes, const RowScale* scales, int tokens, int n,           \
                         float* out, int stride) {                                                                              \
        ternary_three<TILES, WARPS>(a, b, c, codes, scales, tokens, n, out, stride);                                            \
    }                                                                                                                           \
    extern "C" __global__ void __launch_bounds__(32 * WARPS)                                                                    \
    ternary_many_add_##TILES(Ternary a, const i8* codes, const RowScale* scales, int tokens, int n, float* out, int stride) {   \
        ternary_many<TILES, WARPS, true>(a, blockIdx.x * MANY_ROWS, codes, scales, tokens, n, out, stride);                     \
    }

TERNARY_MANY(1, 8)
TERNARY_MANY(2, 8)
TERNARY_MANY(4, 4)
