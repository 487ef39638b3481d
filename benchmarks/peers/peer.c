/* Plain C: loops over one replica after the other, left to the compiler's vectoriser. REAL is float or double.
 *
 * w (replicas x d) goes from 1 through `steps` steps. Random numbers: xoshiro256++ (Blackman and Vigna), seeded by
 * splitmix64, and Marsaglia's polar method for normal numbers. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { GD, SGD, LABEL_SGD, LABEL_GD, ISOTROPIC };

typedef struct {
  uint64_t s[4];
  REAL spare;
  int has_spare;
} Random;

static inline uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

static inline uint64_t next(Random *random) {
  uint64_t *s = random->s, result = rotate(s[0] + s[3], 23) + s[0], t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

static void seed(Random *random, uint64_t state) {
  for (int i = 0; i < 4; i++) {
    uint64_t x = (state += 0x9e3779b97f4a7c15ULL);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    random->s[i] = x ^ (x >> 31);
  }
  random->has_spare = 0;
}

static inline int below(Random *random, int n) { return (int)(((next(random) >> 32) * (uint64_t)n) >> 32); }

static inline REAL unit(Random *random) { return (REAL)((next(random) >> 11) * 0x1p-53); }

static inline REAL normal(Random *random) {
  if (random->has_spare) {
    random->has_spare = 0;
    return random->spare;
  }
  REAL a, b, s;
  do {
    a = 2 * unit(random) - 1;
    b = 2 * unit(random) - 1;
    s = a * a + b * b;
  } while (s >= 1 || s == 0);
  REAL m = (REAL)sqrt(-2 * log(s) / s);
  random->spare = b * m;
  random->has_spare = 1;
  return a * m;
}

void run(int algorithm, REAL *all_w, const REAL *X, const REAL *y, int replicas, int n, int d, REAL rate, REAL delta,
         long steps, uint64_t first_seed) {
  REAL *restrict c = malloc(sizeof(REAL) * n), *restrict g = malloc(sizeof(REAL) * d);
  REAL *restrict beta = malloc(sizeof(REAL) * d);
  for (int r = 0; r < replicas; r++) {
    REAL *restrict w = all_w + (size_t)r * d;
    Random random;
    seed(&random, first_seed + r);
    for (long t = 0; t < steps; t++) {
      if (algorithm == SGD || algorithm == LABEL_SGD) {
        int i = below(&random, n);
        const REAL *restrict x = X + (size_t)i * d;
        REAL s = -y[i];
        if (algorithm == LABEL_SGD) s += (next(&random) >> 63) ? delta : -delta;
        for (int k = 0; k < d; k++) s += w[k] * w[k] * x[k];
        s *= rate;
        for (int k = 0; k < d; k++) w[k] -= s * x[k] * w[k];
        continue;
      }
      for (int k = 0; k < d; k++) beta[k] = w[k] * w[k];
      for (int i = 0; i < n; i++) {
        const REAL *restrict x = X + (size_t)i * d;
        REAL s = -y[i];
        for (int k = 0; k < d; k++) s += beta[k] * x[k];
        c[i] = s * (rate / n);
      }
      if (algorithm == LABEL_GD) c[below(&random, n)] -= rate * delta * normal(&random);
      memset(g, 0, sizeof(REAL) * d);
      for (int i = 0; i < n; i++) {
        const REAL *restrict x = X + (size_t)i * d;
        REAL s = c[i];
        for (int k = 0; k < d; k++) g[k] += s * x[k];
      }
      for (int k = 0; k < d; k++) w[k] -= g[k] * w[k];
      if (algorithm == ISOTROPIC)
        for (int k = 0; k < d; k++) w[k] -= rate * delta * normal(&random);
    }
  }
  free(c);
  free(g);
  free(beta);
}
