// Rotary embedding, the cache of keys and values, and causal grouped-query attention over it.
//
// A page has PAGE positions of one sequence, all layers: [layer, kv_head] of keys [head_dim, PAGE], then of values
// [PAGE, head_dim]. Keys lie so that the threads of a warp, a position each, read side by side.
//
// rows: [tokens, q_width + 2 kv_width], q, k and v as the products leave them. tables: [sequences, table_len] pages.

struct Heads {
    int n_heads, n_kv_heads, head_dim, interleaved, layer;
    float scale;
    const float* cos; // [position, head_dim / 2]
    const float* sin;
    float* const* tables;
    int table_len;
};

__device__ __forceinline__ float* keys_of(const Heads& h, float* page, int kv_head) {
    return page + (size_t)(2 * (h.layer * h.n_kv_heads + kv_head)) * PAGE * h.head_dim;
}

__device__ __forceinline__ float* values_of(const Heads& h, float* page, int kv_head) {
    return keys_of(h, page, kv_head) + (size_t)PAGE * h.head_dim;
}

// One head, rotated; `out` and `x` differ.
__device__ __forceinline__ void rotate(const Heads& h, const float* x, int position, float* out) {
    const int half = h.head_dim / 2;
    for (int i = threadIdx.x; i < half; i += blockDim.x) {
        float cos = h.cos[(size_t)position * half + i], sin = h.sin[(size_t)position * half + i];
        int low = h.interleaved ? 2 * i : i, high = h.interleaved ? 2 * i + 1 : i + half;
        float a = fresh(x + low), b = fresh(x + high);
        out[low] = dp(a, cos, -(b * sin));
        out[high] = dp(a, sin, b * cos);
    }
}

// Rotates and stores the keys of several tokens, and stores their values.
// launch: grid (kv_heads, tokens), 128 threads, head_dim floats of shared memory.
extern "C" __global__ void store(Heads h, const float* rows, const int* places, const int* positions) {
    extern __shared__ float4 shared[];
    float* k = (float*)shared;
    const int d = h.head_dim, kv_head = blockIdx.x, token = blockIdx.y, position = positions[token];
    const float* row = rows + (size_t)token * (h.n_heads + 2 * h.n_kv_heads) * d;
    rotate(h, row + (h.n_heads + kv_head) * d, position, k);
    __syncthreads();
    float* page = h.tables[(size_t)places[token] * h.table_len + position / PAGE];
    float* keys = keys_of(h, page, kv_head);
    float* values = values_of(h, page, kv_head);
    const float* v = row + (h.n_heads + h.n_kv_heads + kv_head) * d;
    for (int i = threadIdx.x; i < d; i += blockDim.x) {
        keys[(size_t)i * PAGE + position % PAGE] = k[i];
        values[(size_t)(position % PAGE) * d + i] = v[i];
    }
}

// The softmax of the first n scores; zeros behind them, to whole 16. `most`: the largest that each thread has.
template <int THREADS>
__device__ __forceinline__ void softmax(float* scores, int n, float most, float* some) {
    const int t = threadIdx.x, whole = (n + 15) / 16 * 16;
    most = largest<THREADS>(most, some) + 0.0f;
    for (int j = t; j < whole; j += THREADS) scores[j] = j < n ? exp_of(scores[j] - most) : 0.0f;
    __syncthreads();
    if (t < 32) {
        float sum = 0.0f;
        if (t < 16) {
#pragma unroll 8
            for (int j = t; j < whole; j += 16) sum = sum + scores[j];
        }
        for (int s = 8; s > 0; s /= 2) sum = sum + __shfl_down_sync(~0u, sum, s);
        if (t == 0) some[0] = __fdiv_rn(1.0f, sum);
    }
    __syncthreads();
    const float inverse = some[0];
    for (int j = t; j < n; j += THREADS) scores[j] = scores[j] * inverse;
    __syncthreads();
}

#define NEGATIVE_INFINITY __int_as_float(0xff800000)

// One head of one of several tokens, whose keys and values are in the cache already.
// launch: grid (heads, tokens), 128 threads; shared memory: head_dim floats, and a score for each position, to whole 16.
// For heads or sequences that attend_stored has no room for.
extern "C" __global__ void __launch_bounds__(128)
attend_long(Heads h, const float* rows, const int* places, const int* positions, float* out) {
    extern __shared__ float4 shared[];
    __shared__ float some[32];
    const int d = h.head_dim, head = blockIdx.x, token = blockIdx.y, t = threadIdx.x;
    const int kv_head = head / (h.n_heads / h.n_kv_heads), n = positions[token] + 1;
    float *q = (float*)shared, *scores = q + d;
    const float* row = rows + (size_t)token * (h.n_heads + 2 * h.n_kv_heads) * d;
    float* const* table = h.tables + (size_t)places[token] * h.table_len;
    rotate(h, row + head * d, n - 1, q);
    __syncthreads();
    float most = NEGATIVE_INFINITY;
    for (int j = t; j < n; j += 128) {
        const float* keys = keys_of(h, table[j / PAGE], kv_head) + j % PAGE;
        float sum = 0.0f;
#pragma unroll 16
        for (int i = 0; i < d; i++) sum = dp(q[i], keys[(size_t)i * PAGE], sum);
        float score = sum * h.scale;
        scores[j] = score;
        most = score > most ? score : most; // a NaN is passed over
    }
    softmax<128>(scores, n, most, some);
    for (int i = t; i < d; i += 128) {
        float sum = 0.0f;
        for (int first = 0; first < n; first += PAGE) {
            const float* values = values_of(h, table[first / PAGE], kv_head) + i;
            const int m = min(PAGE, n - first);
#pragma unroll 16
            for (int j = 0; j < m; j++) sum = dp(scores[first + j], values[(size_t)j * d], sum);
        }
        out[(size_t)token * h.n_heads * d + head * d + i] = sum;
    }
}

// HEADS heads of a group and TOKENS tokens, one behind the other in a sequence, whose keys and values are in the cache already: all of
// them look at the same pages, which are brought into shared memory once.
// launch: grid (heads / HEADS, tokens / TOKENS), 128 threads; shared memory: 2 * PAGE * head_dim floats, HEADS * TOKENS * head_dim floats, and
// as many rows of scores, `stride` each: whole 16, all positions of the longest.
template <int HEADS, int TOKENS>
__device__ __forceinline__ void attend_stored(const Heads& h, const float* rows, const int* places, const int* positions, int tokens,
                                              int stride, float* out) {
    constexpr int N = HEADS * TOKENS, RING = 2;
    extern __shared__ float4 shared[];
    const int d = h.head_dim, head0 = blockIdx.x * HEADS, token0 = blockIdx.y * TOKENS, t = threadIdx.x;
    const int kv_head = head0 / (h.n_heads / h.n_kv_heads), tile_len = PAGE * d;
    const int n_tokens = min(TOKENS, tokens - token0), first = positions[token0], n = first + n_tokens;
    float *q = (float*)shared + RING * tile_len, *scores = q + N * d;
    float* const* table = h.tables + (size_t)places[token0] * h.table_len;
    const int n_pages = (n + PAGE - 1) / PAGE;
    auto load = [&](int tile) {
        if (tile < 2 * n_pages) {
            const int page = tile < n_pages ? tile : tile - n_pages;
            const float* from = tile < n_pages ? keys_of(h, table[page], kv_head) : values_of(h, table[page], kv_head);
            u32 to = (u32)__cvta_generic_to_shared((float*)shared + tile % RING * tile_len);
            for (int i = t; i < tile_len / 4; i += 128) {
                asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to + i * 16), "l"(from + i * 4) : "memory");
            }
        }
        asm volatile("cp.async.commit_group;" ::: "memory");
    };
    auto ready = [&](int tile) {
        asm volatile("cp.async.wait_group %0;" ::"n"(RING - 1) : "memory");
        __syncthreads();
        return (const float*)shared + tile % RING * tile_len;
    };
    auto done = [&](int tile) {
        __syncthreads();
        load(tile + RING);
    };
    for (int tile = 0; tile < RING; tile++) load(tile);

    // Queries as [head_dim, N]: a thread reads those of a position's products side by side. Query i: head i % HEADS of token i / HEADS.
    for (int i = t; i < N * (d / 2); i += 128) {
        const int query = i / (d / 2), pair = i % (d / 2), token = query / HEADS, half = d / 2;
        if (token >= n_tokens) {
            q[pair * N + query] = 0.0f, q[(pair + half) * N + query] = 0.0f;
            continue;
        }
        const float* x = rows + (size_t)(token0 + token) * (h.n_heads + 2 * h.n_kv_heads) * d + (head0 + query % HEADS) * d;
        const size_t angle = (size_t)(first + token) * half + pair;
        const int low = h.interleaved ? 2 * pair : pair, high = h.interleaved ? 2 * pair + 1 : pair + half;
        float cos = h.cos[angle], sin = h.sin[angle], a = x[low], b = x[high];
        q[low * N + query] = dp(a, cos, -(b * sin));
        q[high * N + query] = dp(a, sin, b * cos);
    }
    // ready() waits for all threads.
    constexpr int MINE = (N + 1) / 2;
    for (int page = 0; page < n_pages; page++) {
        const float* keys = ready(page) + t % PAGE;
        // Half of the threads have no query where there is only one: what they compute is not kept.
        const float* mine = q + min(t / PAGE * MINE, N - MINE);
        float sum[MINE] = {};
#pragma unroll 8
        for (int i = 0; i < d; i++) {
            const float k = keys[i * PAGE];
#pragma unroll
            for (int m = 0; m < MINE; m++) sum[m] = dp(mine[i * N + m], k, sum[m]);
        }
        const int j = page * PAGE + t % PAGE;
#pragma unroll
        for (int m = 0; m < MINE; m++) {
            const int query = t / PAGE * MINE + m;
            // What lies behind a token is no part of its sum.
            if (query < N && j < stride) scores[query * stride + j] = j <= first + query / HEADS ? sum[m] * h.scale : NEGATIVE_INFINITY;
        }
        done(page);
    }
    // A warp has every fourth query: largest, exponentials, the sum of each of 16 lanes, quotients.
    for (int query = t / 32; query < N; query += 4) {
        float* row = scores + query * stride;
        const int lane = t % 32, mine = first + query / HEADS + 1, whole = (mine + 15) / 16 * 16;
        float most = NEGATIVE_INFINITY;
        for (int j = lane; j < mine; j += 32) most = row[j] > most ? row[j] : most;
        for (int s = 16; s > 0; s /= 2) {
            float other = __shfl_xor_sync(~0u, most, s);
            most = other > most ? other : most;
        }
        most = most + 0.0f;
        for (int j = lane; j < whole; j += 32) row[j] = j < mine ? exp_of(row[j] - most) : 0.0f;
        __syncwarp();
        float sum = 0.0f;
        if (lane < 16) {
#pragma unroll 8
            for (int j = lane; j < whole; j += 16) sum = sum + row[j];
        }
        for (int s = 8; s > 0; s /= 2) sum = sum + __shfl_down_sync(~0u, sum, s);
        const float inverse = __fdiv_rn(1.0f, __shfl_sync(~0u, sum, 0));
        __syncwarp(); // behind it other lanes write what a lane has summed up
        for (int j = lane; j < mine; j += 32) row[j] = row[j] * inverse;
    }
    // ready() waits again. A thread has value t of all queries: heads are at most 128 long here.
    {
        const int i = t;
        float sum[N] = {};
        for (int page = 0; page < n_pages; page++) {
            const float* values = ready(n_pages + page);
            const int start = page * PAGE, end = min(PAGE, n - start);
            // Positions that all tokens see, by fours; then those at the end, which some of them don't.
            const int common = max(0, min(end, first + 1 - start)) / 4 * 4;
            if (i < d) {
                for (int j = 0; j < common; j += 4) {
                    float v[4];
#pragma unroll
                    for (int u = 0; u < 4; u++) v[u] = values[(j + u) * d + i];
#pragma unroll
                    for (int m = 0; m < N; m++) {
                        const float4 p = *(const float4*)(scores + m * stride + start + j);
                        sum[m] = dp(p.w, v[3], dp(p.z, v[2], dp(p.y, v[1], dp(p.x, v[0], sum[m]))));
                    }
                }
                for (int j = common; j < end; j++) {
                    const float v = values[j * d + i];
#pragma unroll
                    for (int m = 0; m < N; m++) {
                        if (start + j <= first + m / HEADS) sum[m] = dp(scores[m * stride + start + j], v, sum[m]);
                    }
                }
            }
            done(n_pages + page);
        }
        if (i < d) {
#pragma unroll
            for (int m = 0; m < N; m++) {
                if (m / HEADS < n_tokens) out[(size_t)(token0 + m / HEADS) * h.n_heads * d + (head0 + m % HEADS) * d + i] = sum[m];
            }
        }
    }
}

#define ATTEND_STORED(HEADS, TOKENS)                                                                                           \
    extern "C" __global__ void __launch_bounds__(128)                                                                          \
    attend_stored_##HEADS##_##TOKENS(Heads h, const float* rows, const int* places, const int* positions, int tokens,          \
                                     int stride, float* out) {                                                                 \
        attend_stored<HEADS, TOKENS>(h, rows, places, positions, tokens, stride, out);                                         \
    }

ATTEND_STORED(4, 4)
ATTEND_STORED(4, 1)
ATTEND_STORED(1, 4)
ATTEND_STORED(1, 1)

// sum + the dot product of n values of a, one behind the other, and b, `stride` apart, all in shared memory, in order. Sixteen of each are
// loaded before the first is used: the sums wait for one another, loads don't have to. a: aligned to 16 bytes.
__device__ __forceinline__ float dp_column(const float* a, const float* b, int stride, int n, float sum) {
    u32 from_a = (u32)__cvta_generic_to_shared(a), from_b = (u32)__cvta_generic_to_shared(b);
    int i = 0;
#pragma unroll 1
    for (; i + 16 <= n; i += 16, from_a += 64) {
        float4 x[4];
        float y[16];
#pragma unroll
        for (int u = 0; u < 4; u++) {
            asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];"
                         : "=f"(x[u].x), "=f"(x[u].y), "=f"(x[u].z), "=f"(x[u].w)
                         : "r"(from_a + 16 * u)
                         : "memory");
        }
#pragma unroll
        for (int u = 0; u < 16; u++) {
            asm volatile("ld.shared.f32 %0, [%1];" : "=f"(y[u]) : "r"(from_b) : "memory");
            from_b += 4 * stride;
        }
#pragma unroll
        for (int u = 0; u < 4; u++) {
            sum = dp(x[u].w, y[4 * u + 3], dp(x[u].z, y[4 * u + 2], dp(x[u].y, y[4 * u + 1], dp(x[u].x, y[4 * u], sum))));
        }
    }
#pragma unroll 1
    for (; i < n; i++) sum = dp(a[i], b[i * stride], sum);
    return sum;
}

// Tiles of keys or values, a page of one head each, that are on their way at once.
#define TILES_AHEAD 4

// One head of the one token: its key and value are still in `row`, and the first head of a group stores them. The pages do not depend on
// the kernel before, and are on their way before that one ends.
// launch: grid (heads), ATTEND_THREADS: 128 have a position each, then a value, and the one behind them has the token's own position; shared
// memory: TILES_AHEAD * PAGE * head_dim floats, 3 * head_dim, to whole 4 each, and a score for each position, to whole 16.
#define ATTEND_THREADS 160
extern "C" __global__ void __launch_bounds__(ATTEND_THREADS)
attend_one(Heads h, const float* row, const int* places, const int* positions, float* out) {
    extern __shared__ float4 shared[];
    __shared__ float some[32];
    const int d = h.head_dim, head = blockIdx.x, t = threadIdx.x, per_group = h.n_heads / h.n_kv_heads;
    const int kv_head = head / per_group, position = positions[0], n = position + 1, tile_len = PAGE * d, wide = (d + 3) / 4 * 4;
    float *q = (float*)shared + TILES_AHEAD * tile_len, *k = q + wide, *v = k + wide, *scores = v + wide;
    float* const* table = h.tables + (size_t)places[0] * h.table_len;
    // Tiles of keys of all pages before this position, then those of values.
    const int n_pages = (position + PAGE - 1) / PAGE;
    auto load = [&](int tile) {
        if (tile < 2 * n_pages) {
            const int page = tile < n_pages ? tile : tile - n_pages;
            const float* from = tile < n_pages ? keys_of(h, table[page], kv_head) : values_of(h, table[page], kv_head);
            u32 to = (u32)__cvta_generic_to_shared((float*)shared + tile % TILES_AHEAD * tile_len);
            for (int i = t; i < tile_len / 4; i += ATTEND_THREADS) {
                asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to + i * 16), "l"(from + i * 4) : "memory");
            }
        }
        asm volatile("cp.async.commit_group;" ::: "memory");
    };
    for (int tile = 0; tile < TILES_AHEAD; tile++) load(tile);
    // The tile whose turn it is, once it is there for all threads.
    auto ready = [&](int tile) {
        asm volatile("cp.async.wait_group %0;" ::"n"(TILES_AHEAD - 1) : "memory");
        __syncthreads();
        return (const float*)shared + tile % TILES_AHEAD * tile_len;
    };
    auto done = [&](int tile) {
        __syncthreads();
        load(tile + TILES_AHEAD);
    };

    wait_for_input();
    let_next_start();
    rotate(h, row + head * d, position, q);
    rotate(h, row + (h.n_heads + kv_head) * d, position, k);
    for (int i = t; i < d; i += ATTEND_THREADS) v[i] = fresh(row + (h.n_heads + h.n_kv_heads + kv_head) * d + i);
    __syncthreads();
    float most = NEGATIVE_INFINITY;
    auto score = [&](int j, float sum) {
        float score = sum * h.scale;
        scores[j] = score;
        most = score > most ? score : most; // a NaN is passed over
    };
    if (t == 128) score(position, dp_column(q, k, 1, d, 0.0f));
    // Two pages at once: 128 threads are their positions.
    for (int page = 0; page < n_pages; page += 2) {
        asm volatile("cp.async.wait_group %0;" ::"n"(TILES_AHEAD - 2) : "memory");
        __syncthreads();
        const int mine = page + t / PAGE;
        if (t < 128 && page * PAGE + t < position) {
            const float* keys = (const float*)shared + mine % TILES_AHEAD * tile_len + t % PAGE;
            score(page * PAGE + t, dp_column(q, keys, PAGE, d, 0.0f));
        }
        __syncthreads();
        load(page + TILES_AHEAD);
        if (page + 1 < n_pages) load(page + 1 + TILES_AHEAD);
    }
    __syncthreads();
    softmax<ATTEND_THREADS>(scores, n, most, some);

    // A thread has the values t, t + 128, ...: heads have at most 1024.
    const int values_of_t = t < 128 ? d : 0;
    float sum[8] = {};
    for (int page = 0; page < n_pages; page++) {
        const float* values = ready(n_pages + page);
        const int m = min(PAGE, position - page * PAGE);
        const float* p = scores + page * PAGE;
#pragma unroll
        for (int s = 0; s < 8; s++) {
            const int i = t + 128 * s;
            if (i < values_of_t) sum[s] = dp_column(p, values + i, d, m, sum[s]);
        }
        done(n_pages + page);
    }
#pragma unroll
    for (int s = 0; s < 8; s++) {
        const int i = t + 128 * s;
        if (i < values_of_t) out[head * d + i] = dp(scores[position], v[i], sum[s]);
    }
    if (head % per_group == 0) {
        float* page = table[position / PAGE];
        for (int i = t; i < d; i += ATTEND_THREADS) {
            keys_of(h, page, kv_head)[(size_t)i * PAGE + position % PAGE] = k[i];
            values_of(h, page, kv_head)[(size_t)(position % PAGE) * d + i] = v[i];
        }
    }
}
