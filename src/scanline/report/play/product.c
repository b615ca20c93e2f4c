// A product of matrices for model.js, in WebAssembly with SIMD. product.wasm.txt is this file, built by
//   python -m ziglang cc --target=wasm32-freestanding -msimd128 -O3 -nostdlib -Wl,--no-entry -s product.c
//     -o product.wasm && base64 -w0 product.wasm > product.wasm.txt

typedef float v4 __attribute__((vector_size(16), aligned(4)));

static float sum(v4 v) { return (v[0] + v[1]) + (v[2] + v[3]); }

// out [rows, columns] = x [rows, width] times w [columns, width] transposed; rows a multiple of 4,
// columns of 2
__attribute__((export_name("product"))) void product(float *out, const float *x, const float *w,
                                                     int rows, int columns, int width) {
  int whole = width & ~3;
  for (int r = 0; r < rows; r += 4)
    for (int j = 0; j < columns; j += 2) {
      const float *u = w + j * width, *v = u + width;
      v4 sums[4][2] = {};
      for (int k = 0; k < whole; k += 4) {
        v4 a = *(const v4 *)(u + k), b = *(const v4 *)(v + k);
#pragma unroll
        for (int i = 0; i < 4; i++) {
          v4 c = *(const v4 *)(x + (r + i) * width + k);
          sums[i][0] += a * c;
          sums[i][1] += b * c;
        }
      }
#pragma unroll
      for (int i = 0; i < 4; i++) {
        float first = sum(sums[i][0]), second = sum(sums[i][1]);
        for (int k = whole; k < width; k++) {
          first += x[(r + i) * width + k] * u[k];
          second += x[(r + i) * width + k] * v[k];
        }
        out[(r + i) * columns + j] = first;
        out[(r + i) * columns + j + 1] = second;
      }
    }
}
