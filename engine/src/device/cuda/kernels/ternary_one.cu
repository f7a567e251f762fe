// Ternary products of one token, with the norm and the int8 codes of their input in front of them: every block computes these for
// itself, which takes less time than to wait for another kernel. A block has a share of the rows, one behind the other, as many blocks
// as the device has multiprocessors; all of its weights are on their way into shared memory before the kernel before ends.
//
// LANES threads share a row (or the same row of two matrices) and take 16 bytes of it in turn. 16 bytes have four planes of 16 codes;
// they stay where they are in their bytes (64, 16, 4 times too large) and the sums are shifted back at the end: four ands and four dp4a
// for 16 weights.
//
// launch: grid (blocks), 256 threads; shared memory: n floats, n bytes, and n / 4 bytes for each row of the largest share.

#define ONE_THREADS 256

__device__ __forceinline__ void multiply_word(u32 w, u32 x0, u32 x1, u32 x2, u32 x3, int (&sum)[4]) {
    sum[0] = dp4(w & 0xc0c0c0c0u, x0, sum[0]);
    sum[1] = dp4(w & 0x30303030u, x1, sum[1]);
    sum[2] = dp4(w & 0x0c0c0c0cu, x2, sum[2]);
    sum[3] = dp4(w & 0x03030303u, x3, sum[3]);
}

// Rows of a block.
struct Share {
    int first, n;
    __device__ __forceinline__ Share(int rows) {
        first = (int)((long long)rows * blockIdx.x / gridDim.x);
        n = (int)((long long)rows * (blockIdx.x + 1) / gridDim.x) - first;
    }
};

// Starts to bring `len` bytes, whole 16.
__device__ __forceinline__ void bring(const u8* from, u8* to, int len) {
    u32 at = (u32)__cvta_generic_to_shared(to);
    for (int i = threadIdx.x * 16; i < len; i += ONE_THREADS * 16) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(at + i), "l"(from + i) : "memory");
    }
}

__device__ __forceinline__ void all_brought() {
    asm volatile("cp.async.commit_group;\n\tcp.async.wait_group 0;" ::: "memory");
}

// Code sums of one row of each matrix; `planes` has the codes of the input, plane by plane. Only the first of LANES threads has them.
template <int MATRICES, int LANES>
__device__ __forceinline__ void multiply(const u8* const (&row)[MATRICES], const i8* planes, int n, int (&out)[MATRICES]) {
    const int n_chunks = n / 64;
    int sum[MATRICES][4] = {};
#pragma unroll 5
    for (int c = threadIdx.x % LANES; c < n_chunks; c += LANES) {
        uint4 x[4];
#pragma unroll
        for (int k = 0; k < 4; k++) x[k] = *(const uint4*)(planes + k * (n / 4) + c * 16);
#pragma unroll
        for (int m = 0; m < MATRICES; m++) {
            const uint4 w = *(const uint4*)(row[m] + c * 16);
            multiply_word(w.x, x[0].x, x[1].x, x[2].x, x[3].x, sum[m]);
            multiply_word(w.y, x[0].y, x[1].y, x[2].y, x[3].y, sum[m]);
            multiply_word(w.z, x[0].z, x[1].z, x[2].z, x[3].z, sum[m]);
            multiply_word(w.w, x[0].w, x[1].w, x[2].w, x[3].w, sum[m]);
        }
    }
#pragma unroll
    for (int m = 0; m < MATRICES; m++) {
        int all = (sum[m][0] >> 6) + (sum[m][1] >> 4) + (sum[m][2] >> 2) + sum[m][3];
#pragma unroll
        for (int s = LANES / 2; s > 0; s /= 2) all += __shfl_down_sync(~0u, all, s, LANES);
        out[m] = all;
    }
}

// Norm and codes of the one input, plane by plane: byte p of a group of 32 has the elements p, p + 32, p + 64, p + 96. Everything that
// was brought is there behind it. KEPT: values that a thread keeps.
template <int KEPT>
__device__ __forceinline__ RowScale prepare_one(const float* in, const float* weights, float eps, int n, float* x, i8* planes) {
    __shared__ float lanes[256];
    __shared__ float4 mosts[ONE_THREADS / 128];
    __shared__ int4 sums[ONE_THREADS / 128];
    const int t = threadIdx.x;
    float v[KEPT], w[KEPT], lane = 0.0f, most = 0.0f;
    // Weights of the norm don't depend on the kernel before either.
#pragma unroll
    for (int u = 0; u < KEPT; u++) w[u] = weights && t + 256 * u < n ? __ldg(weights + t + 256 * u) : 1.0f;
    wait_for_input();
    let_next_start();
    for (int first = t; first < n; first += 256 * KEPT) {
#pragma unroll
        for (int u = 0; u < KEPT; u++) v[u] = first + 256 * u < n ? fresh(in + first + 256 * u) : 0.0f;
#pragma unroll
        for (int u = 0; u < KEPT; u++) {
            lane = dp(v[u], v[u], lane);
            // What is more than a thread keeps: to be read again.
            if (n > 256 * KEPT && first + 256 * u < n) x[first + 256 * u] = v[u];
        }
    }
    float r = 1.0f;
    if (weights) {
        lanes[t] = lane;
        __syncthreads();
        // The tree's first three halvings in one go, in its own order, by every warp for itself.
        float l[8];
        const int width = lanes_of(n);
#pragma unroll
        for (int i = 0; i < 8; i++) l[i] = 32 * i + t % 32 < width ? lanes[32 * i + t % 32] : 0.0f;
        float sum;
        if (width == 256) sum = ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
        else sum = (l[0] + l[2]) + (l[1] + l[3]); // 128: rows have whole groups
        for (int s = 16; s > 0; s /= 2) sum = sum + __shfl_xor_sync(~0u, sum, s);
        r = __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(__fdiv_rn(sum, (float)n), eps)));
    }
    if (n <= 256 * KEPT) {
#pragma unroll
        for (int u = 0; u < KEPT; u++) {
            if (weights) v[u] = (v[u] * r) * w[u];
            most = fmaxf(most, fabsf(v[u]));
        }
    } else {
        for (int first = t; first < n; first += 256 * KEPT) {
            if (weights && first != t) {
#pragma unroll
                for (int u = 0; u < KEPT; u++) w[u] = first + 256 * u < n ? __ldg(weights + first + 256 * u) : 0.0f;
            }
#pragma unroll
            for (int u = 0; u < KEPT; u++) {
                int i = first + 256 * u;
                if (i < n) {
                    float y = weights ? (x[i] * r) * w[u] : x[i];
                    x[i] = y;
                    most = fmaxf(most, fabsf(y));
                }
            }
        }
    }
    // Magnitudes are in the order of their bits.
    u32 bits = __reduce_max_sync(~0u, __float_as_uint(most));
    if (t % 32 == 0) ((u32*)mosts)[t / 32] = bits;
    __syncthreads();
    float4 a = mosts[0], b = mosts[1];
    most = fmaxf(fmaxf(fmaxf(a.x, a.y), fmaxf(a.z, a.w)), fmaxf(fmaxf(b.x, b.y), fmaxf(b.z, b.w)));
    const float scale = __fdiv_rn(127.0f, most > 1e-5f ? most : 1e-5f);
    int sum = 0;
    // 256 threads are two groups of 128: a thread has the same place in every other one.
    i8* plane = planes + t / 32 % 4 * (n / 4) + t / 128 * 32 + t % 32;
    if (n <= 256 * KEPT) {
#pragma unroll
        for (int u = 0; u < KEPT; u++) {
            if (t + 256 * u < n) {
                i8 code = code_of(v[u], scale);
                plane[u * 64] = code;
                sum += code;
            }
        }
    } else {
#pragma unroll 9
        for (int i = t; i < n; i += 256) {
            i8 code = code_of(x[i], scale);
            plane[i / 256 * 64] = code;
            sum += code;
        }
    }
    sum = __reduce_add_sync(~0u, sum);
    if (t % 32 == 0) ((int*)sums)[t / 32] = sum;
    all_brought();
    __syncthreads();
    int4 c = sums[0], d = sums[1];
    return RowScale{scale, (c.x + c.y + c.z + c.w) + (d.x + d.y + d.z + d.w)};
}

// out[row] of up to three matrices, one behind the other.
extern "C" __global__ void __launch_bounds__(ONE_THREADS)
ternary_one(Ternary a, Ternary b, Ternary c, const float* in, const float* weights, float eps, int n, float* out) {
    extern __shared__ float4 shared[];
    float* x = (float*)shared;
    i8* planes = (i8*)(x + n);
    u8* w = (u8*)(planes + n);
    constexpr int LANES = 8;
    const Share share(a.rows + b.rows + c.rows);
    // The part of each matrix that is in the share.
    auto part = [&](const Ternary& matrix, int before) {
        int first = max(share.first, before), end = min(share.first + share.n, before + matrix.rows);
        if (first < end) {
            bring(matrix.codes + (size_t)(first - before) * (n / 4), w + (size_t)(first - share.first) * (n / 4), (end - first) * (n / 4));
        }
    };
    part(a, 0);
    part(b, a.rows);
    part(c, a.rows + b.rows);
    RowScale scale = prepare_one<10>(in, weights, eps, n, x, planes);
    for (int i = threadIdx.x / LANES; i < (share.n + 3) / 4 * 4; i += ONE_THREADS / LANES) {
        int sum[1];
        multiply<1, LANES>({w + (size_t)min(i, share.n - 1) * (n / 4)}, planes, n, sum);
        const int row = share.first + i;
        if (i < share.n && threadIdx.x % LANES == 0) {
            out[row] = scale_sum(sum[0], scale, row < a.rows ? a.scale : row < a.rows + b.rows ? b.scale : c.scale);
        }
    }
}

// residual[row] += the product.
template <int KEPT>
__device__ __forceinline__ void one_add(const Ternary& a, const float* in, const float* weights, float eps, int n, float* residual) {
    extern __shared__ float4 shared[];
    float* x = (float*)shared;
    i8* planes = (i8*)(x + n);
    u8* w = (u8*)(planes + n);
    constexpr int LANES = 8;
    const Share share(a.rows);
    bring(a.codes + (size_t)share.first * (n / 4), w, share.n * (n / 4));
    RowScale scale = prepare_one<KEPT>(in, weights, eps, n, x, planes);
    for (int i = threadIdx.x / LANES; i < (share.n + 3) / 4 * 4; i += ONE_THREADS / LANES) {
        const int row = share.first + i;
        const bool is_mine = i < share.n && threadIdx.x % LANES == 0;
        float before = is_mine ? fresh(residual + row) : 0.0f;
        int sum[1];
        multiply<1, LANES>({w + (size_t)min(i, share.n - 1) * (n / 4)}, planes, n, sum);
        if (is_mine) residual[row] = before + scale_sum(sum[0], scale, a.scale);
    }
}

extern "C" __global__ void __launch_bounds__(ONE_THREADS)
ternary_one_add(Ternary a, const float* in, const float* weights, float eps, int n, float* residual) {
    one_add<10>(a, in, weights, eps, n, residual);
}

// The same for long rows.
extern "C" __global__ void __launch_bounds__(ONE_THREADS)
ternary_one_add_long(Ternary a, const float* in, const float* weights, float eps, int n, float* residual) {
    one_add<28>(a, in, weights, eps, n, residual);
}

// out[row] = f(gate) * up.
extern "C" __global__ void __launch_bounds__(ONE_THREADS)
ternary_one_gate(Ternary gate, Ternary up, const float* in, const float* weights, float eps, int n, int silu, float* out) {
    extern __shared__ float4 shared[];
    float* x = (float*)shared;
    i8* planes = (i8*)(x + n);
    u8* w = (u8*)(planes + n);
    constexpr int LANES = 4;
    const Share share(gate.rows);
    const int len = share.n * (n / 4);
    bring(gate.codes + (size_t)share.first * (n / 4), w, len);
    bring(up.codes + (size_t)share.first * (n / 4), w + len, len);
    RowScale scale = prepare_one<10>(in, weights, eps, n, x, planes);
    for (int i = threadIdx.x / LANES; i < (share.n + 7) / 8 * 8; i += ONE_THREADS / LANES) {
        const u8* row = w + (size_t)min(i, share.n - 1) * (n / 4);
        int sum[2];
        multiply<2, LANES>({row, row + len}, planes, n, sum);
        if (i < share.n && threadIdx.x % LANES == 0) {
            out[share.first + i] = gate_mul(scale_sum(sum[0], scale, gate.scale), scale_sum(sum[1], scale, up.scale), silu);
        }
    }
}
