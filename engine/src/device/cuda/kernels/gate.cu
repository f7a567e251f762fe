// The gate of several tokens: out = f(gate) * up.
// launch: grid (n / 256, tokens), 256 threads. both: [tokens, 2 n], gate before up; out: [tokens, n].

extern "C" __global__ void gate(const float* both, int n, int silu, float* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float* row = both + (size_t)blockIdx.y * 2 * n;
    out[(size_t)blockIdx.y * n + i] = gate_mul(row[i], row[n + i], silu);
}
