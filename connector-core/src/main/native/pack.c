/*
 * The two loops over memory that beat what Java compiles to: a scan for a cleared bit, and columns
 * into one row-major matrix. Neither touches the virtual machine.
 */
#include <stdint.h>
#include <string.h>

#include "io_arrowtensor_internal_Native.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_io_arrowtensor_internal_Native_##name

/* ---- Bits ------------------------------------------------------------------------------------ */

enum { BLOCK_WORDS = 32 }; /* 256 bytes: the compiler unrolls them into vector code */

/* All bits of whole bytes. */
static int all_bytes_set(const uint8_t *bytes, int64_t count) {
  int64_t i = 0;
  for (; i + BLOCK_WORDS * 8 <= count; i += BLOCK_WORDS * 8) {
    uint64_t all = ~UINT64_C(0);
    for (int w = 0; w < BLOCK_WORDS; w++) {
      uint64_t word;
      memcpy(&word, bytes + i + w * 8, 8);
      all &= word;
    }
    if (all != ~UINT64_C(0)) {
      return 0;
    }
  }
  uint8_t rest = 0xff;
  for (; i < count; i++) {
    rest &= bytes[i];
  }
  return rest == 0xff;
}

/* Bits [offset, offset + bits), least significant bit first; reads no byte outside of them. */
static int all_set(const uint8_t *bitmap, int64_t offset, int64_t bits) {
  if (bits <= 0) {
    return 1;
  }
  bitmap += offset >> 3;
  int64_t first = offset & 7, end = first + bits;
  if (end < 8) {
    int mask = (1 << end) - (1 << first);
    return (bitmap[0] & mask) == mask;
  }
  if (first != 0 && bitmap[0] >> first != 0xff >> first) {
    return 0;
  }
  int64_t begin = first != 0, bytes = end >> 3;
  if (!all_bytes_set(bitmap + begin, bytes - begin)) {
    return 0;
  }
  int mask = (1 << (end & 7)) - 1;
  return mask == 0 || (bitmap[bytes] & mask) == mask;
}

/* ---- Columns to rows ------------------------------------------------------------------------- */

enum { TILE_ROWS = 256 }; /* the tile stays in cache while its other columns are added */

/* Columns [from, to) of rows [row, end), one element at a time. */
static void elements(const char *const *columns, int k, int from, int to, int64_t row, int64_t end,
                     size_t width, char *out) {
  for (int c = from; c < to; c++) {
    const char *in = columns[c] + row * (int64_t)width;
    char *at = out + (row * k + c) * (int64_t)width;
    for (int64_t r = row; r < end; r++, in += width, at += k * (int64_t)width) {
      if (width == 4) {
        memcpy(at, in, 4);
      } else {
        memcpy(at, in, 8);
      }
    }
  }
}

#if defined(__SSE2__)
/* Four columns of four bytes each, rows [row, end), end - row a multiple of 4. */
static void columns4x4(const char *const *columns, int k, int c, int64_t row, int64_t end,
                       char *out) {
  const char *a = columns[c], *b = columns[c + 1], *d = columns[c + 2], *e = columns[c + 3];
  int64_t stride = (int64_t)k * 4;
  char *at = out + row * stride + c * 4;
  for (int64_t r = row * 4; r < end * 4; r += 16, at += 4 * stride) {
    __m128i va = _mm_loadu_si128((const __m128i *)(a + r));
    __m128i vb = _mm_loadu_si128((const __m128i *)(b + r));
    __m128i vd = _mm_loadu_si128((const __m128i *)(d + r));
    __m128i ve = _mm_loadu_si128((const __m128i *)(e + r));
    __m128i ab0 = _mm_unpacklo_epi32(va, vb), ab1 = _mm_unpackhi_epi32(va, vb);
    __m128i de0 = _mm_unpacklo_epi32(vd, ve), de1 = _mm_unpackhi_epi32(vd, ve);
    _mm_storeu_si128((__m128i *)at, _mm_unpacklo_epi64(ab0, de0));
    _mm_storeu_si128((__m128i *)(at + stride), _mm_unpackhi_epi64(ab0, de0));
    _mm_storeu_si128((__m128i *)(at + 2 * stride), _mm_unpacklo_epi64(ab1, de1));
    _mm_storeu_si128((__m128i *)(at + 3 * stride), _mm_unpackhi_epi64(ab1, de1));
  }
}

/* Two columns of eight bytes each, rows [row, end), end - row even. */
static void columns2x2(const char *const *columns, int k, int c, int64_t row, int64_t end,
                       char *out) {
  const char *a = columns[c], *b = columns[c + 1];
  int64_t stride = (int64_t)k * 8;
  char *at = out + row * stride + c * 8;
  for (int64_t r = row * 8; r < end * 8; r += 16, at += 2 * stride) {
    __m128i va = _mm_loadu_si128((const __m128i *)(a + r));
    __m128i vb = _mm_loadu_si128((const __m128i *)(b + r));
    _mm_storeu_si128((__m128i *)at, _mm_unpacklo_epi64(va, vb));
    _mm_storeu_si128((__m128i *)(at + stride), _mm_unpackhi_epi64(va, vb));
  }
}

/* Whole blocks of rows [row, end), end - row a multiple of 4; returns the first column not done. */
static int blocks(const char *const *columns, int k, int64_t row, int64_t end, int width,
                  char *out) {
  int c = 0;
  if (width == 4) {
    for (; c + 4 <= k; c += 4) {
      columns4x4(columns, k, c, row, end, out);
    }
  } else {
    for (; c + 2 <= k; c += 2) {
      columns2x2(columns, k, c, row, end, out);
    }
  }
  return c;
}
#else
static int blocks(const char *const *columns, int k, int64_t row, int64_t end, int width,
                  char *out) {
  (void)columns, (void)k, (void)row, (void)end, (void)width, (void)out;
  return 0;
}
#endif

static void interleave(const char *const *columns, int k, int64_t rows, int width, char *out) {
  for (int64_t row = 0; row < rows; row += TILE_ROWS) {
    int64_t end = row + TILE_ROWS < rows ? row + TILE_ROWS : rows;
    int64_t even = row + ((end - row) & ~INT64_C(3));
    int done = blocks(columns, k, row, even, width, out);
    elements(columns, k, 0, done, even, end, (size_t)width, out);
    elements(columns, k, done, k, row, end, (size_t)width, out);
  }
}

/* ---- Methods of io.arrowtensor.internal.Native ----------------------------------------------- */

NATIVE(jboolean, allSet)(JNIEnv *env, jclass type, jlong bitmap, jlong offset, jlong bits) {
  (void)env, (void)type;
  return all_set((const uint8_t *)(intptr_t)bitmap, offset, bits) ? JNI_TRUE : JNI_FALSE;
}

NATIVE(void, interleave)
(JNIEnv *env, jclass type, jlong columns, jint k, jlong rows, jint width, jlong out) {
  (void)env, (void)type;
  interleave((const char *const *)(intptr_t)columns, k, rows, width, (char *)(intptr_t)out);
}
