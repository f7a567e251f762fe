// Rows of the embedding table as floats: one block a token.
// launch: grid (tokens), 256 threads.

template <typename T, bool HALF>
__device__ __forceinline__ void embed(const T* table, const int* tokens, int n, float* x) {
    wait_for_input();
    let_next_start();
    const T* row = table + (size_t)tokens[blockIdx.x] * n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        if constexpr (HALF) x[(size_t)blockIdx.x * n + i] = widen(row[i]);
        else x[(size_t)blockIdx.x * n + i] = row[i];
    }
}

extern "C" __global__ void embed_f16(const u16* table, const int* tokens, int n, float* x) {
    embed<u16, true>(table, tokens, n, x);
}

extern "C" __global__ void embed_f32(const float* table, const int* tokens, int n, float* x) {
    embed<float, false>(table, tokens, n, x);
}
