// What every kernel shares: the float order of docs/numerics.md, and the arithmetic of packed trits.
// Compiled without contraction (--fmad=false): a fused multiply-add is one only where it says fma.

typedef unsigned char u8;
typedef signed char i8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

// Scale and sum of one row of int8 activations.
struct RowScale {
    float scale;
    int sum;
};

// One ternary matrix, as I2_S stores it: 128 weights in 32 bytes, code + 1, the first 32 in the high bits.
struct Ternary {
    const u8* codes;
    float scale;
    int rows;
};

// Positions of a page of keys and values.
#define PAGE 64

__device__ __forceinline__ float dp(float a, float b, float c) { return __fmaf_rn(a, b, c); }

// Four codes times four activations.
__device__ __forceinline__ int dp4(u32 codes, u32 x, int sum) {
    int out;
    asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(out) : "r"(codes), "r"(x), "r"(sum));
    return out;
}

// Weights are read once a pass: they need no room in the first-level cache.
__device__ __forceinline__ uint4 stream(const uint4* at) {
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(at));
    return v;
}

// Lanes of a sum over n values.
__device__ __forceinline__ int lanes_of(int n) {
    int w = 16;
    while (w < n && w < 256) w *= 2;
    return w;
}

// What the kernel before this one wrote may be read from here on; what comes before runs beside it.
__device__ __forceinline__ void wait_for_input() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// The next kernel may start; it waits for this one where it reads what this one writes.
__device__ __forceinline__ void let_next_start() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;");
#endif
}

// What the kernel before this one wrote: from the second-level cache, and not before wait_for_input.
__device__ __forceinline__ float fresh(const float* at) {
    float x;
    asm volatile("ld.global.cg.f32 %0, [%1];" : "=f"(x) : "l"(at) : "memory");
    return x;
}

// Halves 256 lanes, `lane[i]` of which are those of thread t + i * THREADS. All threads get the result.
template <int THREADS>
__device__ __forceinline__ float tree(const float (&lane)[256 / THREADS], int width, float* shared) {
    const int t = threadIdx.x;
#pragma unroll
    for (int i = 0; i < 256 / THREADS; i++) shared[t + i * THREADS] = lane[i];
    __syncthreads();
    for (int s = width / 2; s >= 32; s /= 2) {
        if (t < s) shared[t] = shared[t] + shared[t + s];
        __syncthreads();
    }
    if (t < 32) {
        float v = shared[t];
        for (int s = width < 32 ? width / 2 : 16; s > 0; s /= 2) v = v + __shfl_down_sync(~0u, v, s);
        if (t == 0) shared[0] = v;
    }
    __syncthreads();
    float sum = shared[0];
    __syncthreads();
    return sum;
}

// The largest of all threads'; `shared` has room for a float a warp.
template <int THREADS>
__device__ __forceinline__ float largest(float v, float* shared) {
    for (int s = 16; s > 0; s /= 2) v = fmaxf(v, __shfl_xor_sync(~0u, v, s));
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = v;
    __syncthreads();
    v = shared[0];
    for (int i = 1; i < THREADS / 32; i++) v = fmaxf(v, shared[i]);
    __syncthreads();
    return v;
}

template <int THREADS>
__device__ __forceinline__ int sum_of(int v, int* shared) {
    v = __reduce_add_sync(~0u, v);
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = v;
    __syncthreads();
    v = 0;
    for (int i = 0; i < THREADS / 32; i++) v += shared[i];
    __syncthreads();
    return v;
}

// Values of one lane that are loaded before the first is used: what a load takes is waited for once, not for each.
#define AHEAD 10

// The root-mean-square norm of `in` into `out`, or a copy where there are no weights. Each thread writes the values `threadIdx.x` + i *
// THREADS, and gets the largest of their magnitudes.
template <int THREADS>
__device__ __forceinline__ float norm_into(const float* in, const float* weights, float eps, int n,
                                           float* out, float* shared) {
    constexpr int LANES = 256 / THREADS;
    float lane[LANES] = {}, w[LANES][AHEAD], most = 0.0f;
    for (int first = threadIdx.x; first < n; first += 256 * AHEAD) {
        float x[LANES][AHEAD];
#pragma unroll
        for (int u = 0; u < AHEAD; u++) {
#pragma unroll
            for (int l = 0; l < LANES; l++) {
                int i = first + 256 * u + l * THREADS;
                x[l][u] = i < n ? fresh(in + i) : 0.0f;
                if (first == threadIdx.x) w[l][u] = weights && i < n ? __ldg(weights + i) : 0.0f;
            }
        }
#pragma unroll
        for (int u = 0; u < AHEAD; u++) {
#pragma unroll
            for (int l = 0; l < LANES; l++) {
                int i = first + 256 * u + l * THREADS;
                if (i < n) out[i] = x[l][u];
                lane[l] = dp(x[l][u], x[l][u], lane[l]);
                most = fmaxf(most, fabsf(x[l][u]));
            }
        }
    }
    if (!weights) return most;
    float sum = tree<THREADS>(lane, lanes_of(n), shared);
    float r = __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(__fdiv_rn(sum, (float)n), eps)));
    most = 0.0f;
    for (int first = threadIdx.x; first < n; first += 256 * AHEAD) {
        if (first != threadIdx.x) {
#pragma unroll
            for (int u = 0; u < AHEAD; u++) {
#pragma unroll
                for (int l = 0; l < LANES; l++) {
                    int i = first + 256 * u + l * THREADS;
                    w[l][u] = i < n ? __ldg(weights + i) : 0.0f;
                }
            }
        }
#pragma unroll
        for (int u = 0; u < AHEAD; u++) {
#pragma unroll
            for (int l = 0; l < LANES; l++) {
                int i = first + 256 * u + l * THREADS;
                if (i < n) {
                    float y = (out[i] * r) * w[l][u];
                    out[i] = y;
                    most = fmaxf(most, fabsf(y));
                }
            }
        }
    }
    return most;
}

// 127 / max(1e-5, max |x|), of the largest magnitude that each thread has.
template <int THREADS>
__device__ __forceinline__ float activation_scale(float most, float* shared) {
    most = largest<THREADS>(most, shared);
    return __fdiv_rn(127.0f, most > 1e-5f ? most : 1e-5f);
}

// round_half_even(x * scale): the low byte of the shifted sum.
__device__ __forceinline__ i8 code_of(float x, float scale) {
    return (i8)(__float_as_int((x * scale) + 12582912.0f) & 0xff);
}

// One output of a ternary product; `codes_sum` is over codes, which are trits + 1.
__device__ __forceinline__ float scale_sum(int codes_sum, RowScale row, float scale) {
    return __fdiv_rn((float)(codes_sum - row.sum), row.scale) * scale;
}

// exp(x) for x <= 88 in f64, rounded once; 0 below -87.
__device__ __forceinline__ float exp_of(float x) {
    const double c[10] = {1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0,
                          1.0 / 24.0,     1.0 / 6.0,     0.5,          1.0,         1.0};
    const double round = 6755399441055744.0;
    double wide = (double)x;
    double shifted = __fma_rn(wide, 1.44269504088896340736, round);
    double n = __dadd_rn(shifted, -round);
    double r = __fma_rn(n, -0.693147180559945309417, wide);
    double p = c[0];
#pragma unroll
    for (int k = 1; k < 10; k++) p = __fma_rn(p, r, c[k]);
    u64 exponent = ((u64)__double_as_longlong(shifted) - (u64)__double_as_longlong(round) + 1023ull) << 52;
    float result = (float)__dmul_rn(p, __longlong_as_double((long long)exponent));
    return x < -87.0f ? 0.0f : result;
}

// f(gate) * up: squared ReLU (a NaN gate counts as 0) or SiLU.
__device__ __forceinline__ float gate_mul(float gate, float up, int silu) {
    if (silu) {
        float e = exp_of(-fabsf(gate));
        float sigmoid = __fdiv_rn(gate < 0.0f ? e : 1.0f, 1.0f + e);
        return (gate * sigmoid) * up;
    }
    float g = gate > 0.0f ? gate : 0.0f;
    return (g * g) * up;
}

__device__ __forceinline__ float widen(u16 half) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(half));
    return x;
}
