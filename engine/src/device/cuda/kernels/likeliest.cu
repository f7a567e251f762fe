// The k likeliest tokens of each row of logits: the larger logit, the lower id first among equals. A logit that is no number comes before
// all others, and has no id.
// Keys are different for all ids and in their order: each round looks for the largest below the one before.
//
// launch: likeliest_parts: grid (parts, tokens); likeliest: grid (tokens); 256 threads each.
// parts: [tokens, parts, k] keys; ids, found: [tokens, k].

#define NO_NUMBER 0xffffffffu

__device__ __forceinline__ u64 key_of(float logit, u32 id) {
    u32 bits = __float_as_uint(logit + 0.0f); // -0 is 0
    bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    if (!(fabsf(logit) <= 3.402823466e38f)) bits = NO_NUMBER;
    return (u64)bits << 32 | (0xffffffffu - id);
}

__device__ __forceinline__ u64 largest_key(u64 key, u64* shared) {
    for (int s = 16; s > 0; s /= 2) {
        u64 other = __shfl_xor_sync(~0u, key, s);
        key = other > key ? other : key;
    }
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = key;
    __syncthreads();
    key = shared[0];
    for (int i = 1; i < blockDim.x / 32; i++) key = shared[i] > key ? shared[i] : key;
    __syncthreads();
    return key;
}

extern "C" __global__ void __launch_bounds__(256)
likeliest_parts(const float* logits, int n, int k, u64* parts) {
    __shared__ u64 some[8];
    const int len = (n + gridDim.x - 1) / gridDim.x, first = blockIdx.x * len, end = min(n, first + len);
    const float* row = logits + (size_t)blockIdx.y * n;
    wait_for_input();
    let_next_start();
    u64* out = parts + ((size_t)blockIdx.y * gridDim.x + blockIdx.x) * k;
    u64 below = ~0ull;
    for (int i = 0; i < k; i++) {
        u64 most = 0;
        for (int id = first + threadIdx.x; id < end; id += blockDim.x) {
            u64 key = key_of(row[id], id);
            if (key < below && key > most) most = key;
        }
        below = largest_key(most, some);
        if (threadIdx.x == 0) out[i] = below;
    }
}

extern "C" __global__ void __launch_bounds__(256)
likeliest(const float* logits, int n, int k, const u64* parts, int n_parts, u32* ids, float* found) {
    __shared__ u64 some[8];
    wait_for_input();
    const u64* keys = parts + (size_t)blockIdx.x * n_parts * k;
    u64 below = ~0ull;
    for (int i = 0; i < k; i++) {
        u64 most = 0;
        for (int j = threadIdx.x; j < n_parts * k; j += blockDim.x) {
            if (keys[j] < below && keys[j] > most) most = keys[j];
        }
        below = largest_key(most, some);
        if (threadIdx.x == 0) {
            u32 id = min(0xffffffffu - (u32)below, (u32)n - 1);
            ids[(size_t)blockIdx.x * k + i] = below >> 32 == NO_NUMBER ? NO_NUMBER : id;
            found[(size_t)blockIdx.x * k + i] = logits[(size_t)blockIdx.x * n + id];
        }
    }
}
