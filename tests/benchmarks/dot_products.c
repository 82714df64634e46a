// What a processor's core does at most in bfloat16: dot products of registers, no memory, twelve at a time.
#include <immintrin.h>
#include <stdint.h>

enum { AT_A_TIME = 12 };

float dot_products(int64_t rounds) {
    __m512 sums[AT_A_TIME];
    for (int i = 0; i < AT_A_TIME; i++) sums[i] = _mm512_set1_ps((float)i);
    __m512bh left = (__m512bh)_mm512_set1_epi16(0x3f80), right = left;
    for (int64_t round = 0; round < rounds; round++) {
        for (int i = 0; i < AT_A_TIME; i++) sums[i] = _mm512_dpbf16_ps(sums[i], left, right);
        __asm__ volatile("" : "+v"(left), "+v"(right));  // not to be worked out once for all rounds
    }
    for (int i = 1; i < AT_A_TIME; i++) sums[0] = _mm512_add_ps(sums[0], sums[i]);
    return _mm512_reduce_add_ps(sums[0]);
}
