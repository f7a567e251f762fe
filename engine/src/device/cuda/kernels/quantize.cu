// Norm and int8 codes of several tokens: one block a token, so that no product has to do it again.
// launch: grid (tokens), 256 threads, n floats of shared memory.
// in: [tokens, in_stride]; floats: [tokens, n], or none; codes: [tokens, n], or none.

extern "C" __global__ void __launch_bounds__(256)
quantize(const float* in, int in_stride, const float* weights, float eps, int n, float* floats, i8* codes,
         RowScale* rows) {
    extern __shared__ float4 shared[];
    float* x = (float*)shared;
    __shared__ float lanes[256];
    wait_for_input();
    let_next_start();
    float most = norm_into<256>(in + (size_t)blockIdx.x * in_stride, weights, eps, n, x, lanes);
    // Each thread reads what it wrote itself.
    if (floats) {
        for (int i = threadIdx.x; i < n; i += 256) floats[(size_t)blockIdx.x * n + i] = x[i];
    }
    if (!codes) return;
    float scale = activation_scale<256>(most, lanes);
    int sum = 0;
    for (int i = threadIdx.x; i < n; i += 256) {
        i8 code = code_of(x[i], scale);
        codes[(size_t)blockIdx.x * n + i] = code;
        sum += code;
    }
    sum = sum_of<256>(sum, (int*)lanes);
    if (threadIdx.x == 0) rows[blockIdx.x] = RowScale{scale, sum};
}
