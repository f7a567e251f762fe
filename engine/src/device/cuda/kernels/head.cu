// The head: rows of floats times a matrix of F16 or F32, in the lanes and the tree of docs/numerics.md. A warp has one row of the
// matrix and all tokens of its group: thread t the lanes 8 t to 8 t + 7, so that it reads 16 bytes of F16 at once.
//
// launch: grid (blocks, tokens / TOKENS), 256 threads, TOKENS rows of shared memory.
// x: [tokens, n]; out: [tokens, n_rows].

// Eight halves as floats.
__device__ __forceinline__ void halves(const uint4& v, float (&w)[8]) {
    u32 words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
    for (int i = 0; i < 4; i++) w[2 * i] = widen((u16)(words[i] & 0xffff)), w[2 * i + 1] = widen((u16)(words[i] >> 16));
}

template <bool HALF>
__device__ __forceinline__ void eight(const void* row, int at, float (&w)[8]) {
    if (HALF) {
        uint4 v = stream((const uint4*)((const u16*)row + at));
        halves(v, w);
    } else {
        const uint4* v = (const uint4*)((const float*)row + at);
        uint4 a = stream(v), b = stream(v + 1);
        w[0] = __uint_as_float(a.x), w[1] = __uint_as_float(a.y), w[2] = __uint_as_float(a.z), w[3] = __uint_as_float(a.w);
        w[4] = __uint_as_float(b.x), w[5] = __uint_as_float(b.y), w[6] = __uint_as_float(b.z), w[7] = __uint_as_float(b.w);
    }
}

template <bool HALF, int TOKENS>
__device__ __forceinline__ void head(const void* matrix, const float* x, int tokens, int n, int n_rows, float scale, float* out) {
    // Of each eight the first four, then the others: no two threads of a load meet in a bank.
    extern __shared__ float4 shared[];
    const int lane = threadIdx.x % 32, token0 = blockIdx.y * TOKENS, eights = n / 8;
    wait_for_input();
    let_next_start();
    for (int i = threadIdx.x; i < TOKENS * eights * 2; i += blockDim.x) {
        int t = i / (eights * 2), e = i % (eights * 2);
        const float* at = x + (size_t)(token0 + t) * n + 4 * e;
        float4 v = make_float4(0, 0, 0, 0);
        if (token0 + t < tokens) v = make_float4(fresh(at), fresh(at + 1), fresh(at + 2), fresh(at + 3));
        shared[t * eights * 2 + e % 2 * eights + e / 2] = v;
    }
    __syncthreads();
    const int width = lanes_of(n);
    const int n_warps = gridDim.x * blockDim.x / 32;
    for (int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32; row < n_rows; row += n_warps) {
        const void* at = HALF ? (const void*)((const u16*)matrix + (size_t)row * n) : (const void*)((const float*)matrix + (size_t)row * n);
        float sum[TOKENS][8] = {};
#pragma unroll 5
        for (int e = lane; e < eights; e += 32) {
            float w[8];
            eight<HALF>(at, e * 8, w);
#pragma unroll
            for (int t = 0; t < TOKENS; t++) {
                float4 a = shared[t * eights * 2 + e], b = shared[t * eights * 2 + eights + e];
                sum[t][0] = dp(w[0], a.x, sum[t][0]), sum[t][1] = dp(w[1], a.y, sum[t][1]);
                sum[t][2] = dp(w[2], a.z, sum[t][2]), sum[t][3] = dp(w[3], a.w, sum[t][3]);
                sum[t][4] = dp(w[4], b.x, sum[t][4]), sum[t][5] = dp(w[5], b.y, sum[t][5]);
                sum[t][6] = dp(w[6], b.z, sum[t][6]), sum[t][7] = dp(w[7], b.w, sum[t][7]);
            }
        }
#pragma unroll
        for (int t = 0; t < TOKENS; t++) {
            for (int s = width / 2; s >= 8; s /= 2) {
#pragma unroll
                for (int i = 0; i < 8; i++) sum[t][i] = sum[t][i] + __shfl_down_sync(~0u, sum[t][i], s / 8);
            }
            float a = sum[t][0] + sum[t][4], b = sum[t][1] + sum[t][5], c = sum[t][2] + sum[t][6], d = sum[t][3] + sum[t][7];
            float y = ((a + c) + (b + d)) * scale;
            if (lane == 0 && token0 + t < tokens) out[(size_t)(token0 + t) * n_rows + row] = y;
        }
    }
}

#define HEAD(NAME, HALF, TOKENS)                                                                                               \
    extern "C" __global__ void __launch_bounds__(256)                                                                          \
    NAME##_##TOKENS(const void* matrix, const float* x, int tokens, int n, int n_rows, float scale, float* out) {              \
        head<HALF, TOKENS>(matrix, x, tokens, n, n_rows, scale, out);                                                          \
    }

HEAD(head_f16, true, 1)
HEAD(head_f32, false, 1)

// The same for up to 16 tokens at once: a warp has four rows and four tokens, four warps beside each other the same rows. Each of these
// brings one of the rows into shared memory, some steps of 256 values ahead, for all four.
// launch: grid (blocks, tokens / 16), 256 threads; shared memory: 16 rows of x, and HEAD_RING * 4096 bytes for F16, twice as many for F32.
#define HEAD_TOKENS 4
#define HEAD_ROWS 4
#define HEAD_RING 6

// Threads DISTANCE apart: the lower one goes on with the first half of DISTANCE sums, the upper one with the others. Lanes that a short row does not have are
// zeros, which change no sum.
template <int DISTANCE>
__device__ __forceinline__ void halve(float (&v)[16][8], int lane) {
    const bool upper = lane & DISTANCE;
    constexpr int N = DISTANCE / 2; // sums left: 8, 4, 2, 1
#pragma unroll
    for (int o = 0; o < N; o++) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            const float mine = upper ? v[o + N][i] : v[o][i], other = upper ? v[o][i] : v[o + N][i];
            v[o][i] = mine + __shfl_xor_sync(~0u, other, DISTANCE);
        }
    }
}

template <bool HALF>
__device__ __forceinline__ void head_many(const void* matrix, const float* x, int tokens, int n, int n_rows, float scale, float* out) {
    constexpr int WIDTH = HALF ? 2 : 4, STEP = 256 * WIDTH; // bytes of one row in one step
    extern __shared__ float4 shared[];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, eights = n / 8, block0 = blockIdx.y * 16;
    const int group = warp / 4, mine = warp % 4, n_steps = (eights + 31) / 32;
    u8* ring = (u8*)(shared + 16 * eights * 2) + group * HEAD_RING * HEAD_ROWS * STEP;
    // Steps of all rows of this group, one behind the other.
    const int stride = gridDim.x * 2 * HEAD_ROWS, first_row = (blockIdx.x * 2 + group) * HEAD_ROWS;
    const int n_turns = first_row < n_rows ? (n_rows - first_row + stride - 1) / stride : 0, all = n_turns * n_steps;
    auto load = [&](int step) {
        if (step < all) {
            const int row = min(first_row + step / n_steps * stride + mine, n_rows - 1), e = step % n_steps * 32 + lane;
            u32 to = (u32)__cvta_generic_to_shared(ring + (step % HEAD_RING * HEAD_ROWS + mine) * STEP) + lane * 8 * WIDTH;
            const u8* from = (const u8*)matrix + ((size_t)row * n + e * 8) * WIDTH;
            const int len = e < eights ? 16 : 0; // zeros behind the row's end
#pragma unroll
            for (int i = 0; i < WIDTH / 2; i++) {
                asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to + i * 16), "l"(len ? from + i * 16 : (const u8*)matrix), "r"(len) : "memory");
            }
        }
        asm volatile("cp.async.commit_group;" ::: "memory");
    };
    for (int step = 0; step < HEAD_RING - 1; step++) load(step);
    wait_for_input();
    let_next_start();
    for (int i = threadIdx.x; i < 16 * eights * 2; i += 256) {
        int t = i / (eights * 2), e = i % (eights * 2);
        const float* at = x + (size_t)(block0 + t) * n + 4 * e;
        float4 v = make_float4(0, 0, 0, 0);
        if (block0 + t < tokens) v = make_float4(fresh(at), fresh(at + 1), fresh(at + 2), fresh(at + 3));
        shared[t * eights * 2 + e % 2 * eights + e / 2] = v;
    }
    __syncthreads();
    const int token0 = mine * HEAD_TOKENS;
    const float4* xs = shared + (size_t)token0 * eights * 2;
    float sum[HEAD_ROWS][HEAD_TOKENS][8] = {};
    for (int step = 0; step < all; step++) {
        asm volatile("cp.async.wait_group %0;" ::"n"(HEAD_RING - 2) : "memory");
        // The four warps of these rows: all have brought this step, and all are done with the one before, whose place is free.
        asm volatile("bar.sync %0, 128;" ::"r"(1 + group) : "memory");
        load(step + HEAD_RING - 1);
        const int e = step % n_steps * 32 + lane;
        if (e < eights) {
            const u8* at = ring + step % HEAD_RING * HEAD_ROWS * STEP + lane * 8 * WIDTH;
            float w[HEAD_ROWS][8];
#pragma unroll
            for (int r = 0; r < HEAD_ROWS; r++) {
                if (HALF) {
                    uint4 v = *(const uint4*)(at + r * STEP);
                    halves(v, w[r]);
                } else {
                    float4 a = *(const float4*)(at + r * STEP), b = *(const float4*)(at + r * STEP + 16);
                    w[r][0] = a.x, w[r][1] = a.y, w[r][2] = a.z, w[r][3] = a.w;
                    w[r][4] = b.x, w[r][5] = b.y, w[r][6] = b.z, w[r][7] = b.w;
                }
            }
#pragma unroll
            for (int t = 0; t < HEAD_TOKENS; t++) {
                float4 a = xs[t * eights * 2 + e], b = xs[t * eights * 2 + eights + e];
#pragma unroll
                for (int r = 0; r < HEAD_ROWS; r++) {
                    float(&s)[8] = sum[r][t];
                    s[0] = dp(w[r][0], a.x, s[0]), s[1] = dp(w[r][1], a.y, s[1]), s[2] = dp(w[r][2], a.z, s[2]), s[3] = dp(w[r][3], a.w, s[3]);
                    s[4] = dp(w[r][4], b.x, s[4]), s[5] = dp(w[r][5], b.y, s[5]), s[6] = dp(w[r][6], b.z, s[6]), s[7] = dp(w[r][7], b.w, s[7]);
                }
            }
        }
        if (step % n_steps != n_steps - 1) continue;
        // The tree of sixteen sums at once: at each halving two threads share what they have, so that each goes on with half of the
        // sums, and in the end two have one of them.
        const int row0 = first_row + step / n_steps * stride;
        float v[16][8];
#pragma unroll
        for (int o = 0; o < 16; o++) {
#pragma unroll
            for (int i = 0; i < 8; i++) v[o][i] = sum[o / HEAD_TOKENS][o % HEAD_TOKENS][i], sum[o / HEAD_TOKENS][o % HEAD_TOKENS][i] = 0.0f;
        }
        halve<16>(v, lane), halve<8>(v, lane), halve<4>(v, lane), halve<2>(v, lane);
#pragma unroll
        for (int i = 0; i < 8; i++) v[0][i] = v[0][i] + __shfl_xor_sync(~0u, v[0][i], 1);
        const float(&s)[8] = v[0];
        const float y = (((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))) * scale;
        // Bits 4 to 1 of the lane are those of the sum's number, the highest first.
        const int o = lane / 2, r = o / HEAD_TOKENS, token = block0 + token0 + o % HEAD_TOKENS;
        if (lane % 2 == 0 && token < tokens && row0 + r < n_rows) out[(size_t)token * n_rows + row0 + r] = y;
    }
}

extern "C" __global__ void __launch_bounds__(256, 1)
head_f16_many(const void* matrix, const float* x, int tokens, int n, int n_rows, float scale, float* out) {
    head_many<true>(matrix, x, tokens, n, n_rows, scale, out);
}

extern "C" __global__ void __launch_bounds__(256, 1)
head_f32_many(const void* matrix, const float* x, int tokens, int n, int n_rows, float scale, float* out) {
    head_many<false>(matrix, x, tokens, n, n_rows, scale, out);
}
