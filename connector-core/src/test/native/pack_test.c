/*
 * The two loops against oracles, on blocks of exactly the bytes they may touch, so that the address
 * sanitizer sees any byte beyond.
 */
#include "../../main/native/pack.c"

#include <stdio.h>
#include <stdlib.h>

static int wrong;

static void expect(int holds, const char *what, long a, long b, long c) {
  if (!holds) {
    wrong++;
    printf("wrong: %s %ld %ld %ld\n", what, a, b, c);
  }
}

static void check_bits(void) {
  for (int64_t offset = 0; offset < 18; offset++) {
    for (int64_t bits = 1; bits < 4200; bits += bits < 80 ? 1 : 37) {
      size_t bytes = (size_t)((offset + bits + 7) / 8);
      uint8_t *bitmap = calloc(bytes, 1);
      for (int64_t i = offset; i < offset + bits; i++) {
        bitmap[i / 8] |= (uint8_t)(1 << i % 8);
      }
      expect(all_set(bitmap, offset, bits), "all set", offset, bits, -1);
      for (int64_t i = offset; i < offset + bits; i += 1 + bits / 9) {
        bitmap[i / 8] ^= (uint8_t)(1 << i % 8);
        expect(!all_set(bitmap, offset, bits), "cleared", offset, bits, i);
        bitmap[i / 8] ^= (uint8_t)(1 << i % 8);
      }
      free(bitmap);
    }
  }
}

static void check_rows(int k, int64_t rows, size_t width) {
  char **columns = calloc((size_t)k, sizeof *columns);
  size_t bytes = (size_t)rows * width;
  for (int c = 0; c < k; c++) {
    columns[c] = malloc(bytes);
    for (size_t i = 0; i < bytes; i++) {
      columns[c][i] = (char)(c * 31 + (int)i * 7);
    }
  }
  char *out = malloc(bytes * (size_t)k);
  interleave((const char *const *)columns, k, rows, (int)width, out);
  for (int64_t r = 0; r < rows; r++) {
    for (int c = 0; c < k; c++) {
      expect(memcmp(out + ((size_t)r * (size_t)k + (size_t)c) * width,
                    columns[c] + (size_t)r * width, width) == 0,
             "element", k, r, c);
    }
  }
  for (int c = 0; c < k; c++) {
    free(columns[c]);
  }
  free(columns);
  free(out);
}

int main(void) {
  check_bits();
  for (int k = 1; k < 19; k++) {
    for (int64_t rows = 0; rows < 600; rows += rows < 9 ? 1 : 61) {
      check_rows(k, rows, 4);
      check_rows(k, rows, 8);
    }
  }
  printf("pack.c: %s\n", wrong == 0 ? "agrees with its oracles" : "WRONG");
  return wrong != 0;
}
