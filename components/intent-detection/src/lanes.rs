//! Sums of products of whole numbers, four at a time, in the vector instructions that each machine always has.

/// Weights read at once, as bytes of signed numbers.
pub type Chunk = [u8; 16];
/// As many values of a token.
pub type Values = [[i16; 8]; 2];

#[cfg(target_arch = "wasm32")]
mod machine {
    use super::{Chunk, Values};
    use std::arch::wasm32::{i16x8, i16x8_extend_high_i8x16, i16x8_extend_low_i8x16, i32x4_add, i32x4_dot_i16x8, i32x4_extract_lane, i32x4_splat, u8x16, v128};

    pub type Sums = v128;

    #[target_feature(enable = "simd128")]
    pub fn zero() -> Sums {
        i32x4_splat(0)
    }

    // The compiler makes one load of each of these lists.
    #[target_feature(enable = "simd128")]
    pub fn widen(chunk: &Chunk) -> [v128; 2] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *chunk;
        let bytes = u8x16(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
        [i16x8_extend_low_i8x16(bytes), i16x8_extend_high_i8x16(bytes)]
    }

    #[target_feature(enable = "simd128")]
    fn words([a, b, c, d, e, f, g, h]: [i16; 8]) -> v128 {
        i16x8(a, b, c, d, e, f, g, h)
    }

    #[target_feature(enable = "simd128")]
    pub fn add_products(sums: Sums, [low, high]: &[v128; 2], [first, second]: &Values) -> Sums {
        i32x4_add(sums, i32x4_add(i32x4_dot_i16x8(*low, words(*first)), i32x4_dot_i16x8(*high, words(*second))))
    }

    #[target_feature(enable = "simd128")]
    pub fn total(sums: Sums) -> i32 {
        i32x4_extract_lane::<0>(sums) + i32x4_extract_lane::<1>(sums) + i32x4_extract_lane::<2>(sums) + i32x4_extract_lane::<3>(sums)
    }
}

#[cfg(target_arch = "x86_64")]
mod machine {
    use super::{Chunk, Values};
    use std::arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_cvtsi128_si32, _mm_madd_epi16, _mm_set_epi8, _mm_set_epi16, _mm_setzero_si128, _mm_shuffle_epi32, _mm_srai_epi16,
        _mm_unpackhi_epi8, _mm_unpacklo_epi8,
    };

    pub type Sums = __m128i;

    #[target_feature(enable = "sse2")]
    pub fn zero() -> Sums {
        _mm_setzero_si128()
    }

    #[target_feature(enable = "sse2")]
    pub fn widen(chunk: &Chunk) -> [__m128i; 2] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = chunk.map(u8::cast_signed);
        let bytes = _mm_set_epi8(p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a);
        [_mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8), _mm_srai_epi16(_mm_unpackhi_epi8(bytes, bytes), 8)]
    }

    #[target_feature(enable = "sse2")]
    fn words([a, b, c, d, e, f, g, h]: [i16; 8]) -> __m128i {
        _mm_set_epi16(h, g, f, e, d, c, b, a)
    }

    #[target_feature(enable = "sse2")]
    pub fn add_products(sums: Sums, [low, high]: &[__m128i; 2], [first, second]: &Values) -> Sums {
        _mm_add_epi32(sums, _mm_add_epi32(_mm_madd_epi16(*low, words(*first)), _mm_madd_epi16(*high, words(*second))))
    }

    #[target_feature(enable = "sse2")]
    pub fn total(sums: Sums) -> i32 {
        let pairs = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0b01_00_11_10));
        _mm_cvtsi128_si32(_mm_add_epi32(pairs, _mm_shuffle_epi32(pairs, 0b10_11_00_01)))
    }
}

#[cfg(not(any(target_arch = "wasm32", target_arch = "x86_64")))]
mod machine {
    use super::{Chunk, Values};

    pub type Sums = i32;

    pub fn zero() -> Sums {
        0
    }

    pub fn widen(chunk: &Chunk) -> Chunk {
        *chunk
    }

    pub fn add_products(sums: Sums, weights: &Chunk, values: &Values) -> Sums {
        sums + weights.iter().zip(values.as_flattened()).map(|(weight, value)| i32::from(weight.cast_signed()) * i32::from(*value)).sum::<i32>()
    }

    pub fn total(sums: Sums) -> i32 {
        sums
    }
}

pub use machine::{add_products, total, widen, zero};

#[cfg(test)]
mod tests {
    use super::{Chunk, Values, add_products, total, widen, zero};

    #[test]
    fn products_are_added_up_exactly() {
        let weights: [i8; 16] = std::array::from_fn(|i| [-128, 127, -1, 5, 0][i % 5]);
        let values: [i16; 16] = std::array::from_fn(|i| [8191, -8191, 17, -3][i / 4] + i as i16);
        let expected: i32 = weights.iter().zip(&values).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
        let parts = [*values.first_chunk().unwrap(), *values.last_chunk().unwrap()];
        let chunk = weights.map(i8::cast_unsigned);
        #[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse2"))]
        fn twice(chunk: &Chunk, parts: &Values) -> i32 {
            let once = add_products(zero(), &widen(chunk), parts);
            total(add_products(once, &widen(chunk), parts))
        }
        // SAFETY: every x86-64 processor has SSE2; elsewhere the function needs nothing.
        #[allow(unused_unsafe, reason = "only one of the machines needs it")]
        let found = unsafe { twice(&chunk, &parts) };
        assert_eq!(found, 2 * expected);
    }
}
