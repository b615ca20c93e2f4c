// What a trained model says of an image: likelihoods, classes, and the posterior of hidden pixels by
// the particles of scanline.inference.smc. It runs in a Worker, on one thread. Products of many rows
// are WebAssembly's (product.c), in float32; all else is in double precision.
"use strict";

const BRANCH_UP_TO = 32; // hidden pixels; below, particles branch and nothing is drawn
const RESAMPLE_BELOW = 0.5; // of the particles: their effective number
const ALIKE = 0.01; // nats between two log weights, below which particles keep their order
const CORE_ROWS = 8; // for fewer, moving numbers to the core costs more than it saves
const BLOCK = 256; // rows that the core has at a time

// ---- numbers

const numbers = (text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
};

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

const tanh = (x) => 2 / (1 + Math.exp(-2 * x)) - 1;

// log p(pixel) by the log-odds that it is ink
const logProb = (logit, pixel) => {
  const x = pixel ? -logit : logit;
  return -(Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))));
};

const logSumExp = (values, scale = 1) => {
  const top = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (top === -Infinity) return top;
  return scale * top + Math.log(values.reduce((sum, v) => sum + Math.exp(scale * (v - top)), 0));
};

const effectiveSize = (logWeights) => Math.exp(2 * logSumExp(logWeights) - logSumExp(logWeights, 2));

// [rows, columns] -> [columns, rows], so that a sum over rows runs along the memory
function transposed(matrix, rows, columns) {
  const out = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) out[j * rows + i] = matrix[i * columns + j];
  return out;
}

// What WebAssembly computes, and room for its numbers; null where the browser has no SIMD
let core = null;

function openCore(text) {
  try {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    core = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  } catch {
    core = null;
  }
}

// Where three arrays of so many numbers lie in the core's memory, which grows as needed
function roomFor(...lengths) {
  let end = 2 ** 17; // bytes; the program's own come first
  const starts = lengths.map((length) => (end += 4 * length) - 4 * length);
  const missing = end - core.memory.buffer.byteLength;
  if (missing > 0) core.memory.grow(Math.ceil(missing / 2 ** 16));
  return lengths.map((length, i) => new Float32Array(core.memory.buffer, starts[i], length));
}

// out[r, first + j] += sum over k of x[r, k] weights[first + j, k], j below count
function addProduct(out, stride, x, width, rows, weights, first, count) {
  if (!core || rows < CORE_ROWS) return addByHand(out, stride, x, width, rows, weights, first, count);
  const columns = count + (count % 2), padded = 4 * Math.ceil(Math.min(rows, BLOCK) / 4);
  const [sums, some, all] = roomFor(padded * columns, padded * width, columns * width);
  all.set(weights.subarray(first * width, (first + count) * width));
  for (let start = 0; start < rows; start += BLOCK) {
    const here = Math.min(BLOCK, rows - start);
    some.set(x.subarray(start * width, (start + here) * width));
    core.product(sums.byteOffset, some.byteOffset, all.byteOffset, padded, columns, width);
    for (let r = 0; r < here; r++) {
      const to = (start + r) * stride + first, from = r * columns;
      for (let j = 0; j < count; j++) out[to + j] += sums[from + j];
    }
  }
}

// Four rows and two columns at a time, which their sums keep in registers
function addByHand(out, stride, x, width, rows, weights, first, count) {
  for (let r = 0; r < rows; r += 4) {
    const left = Math.min(4, rows - r);
    const a = r * width;
    const b = left > 1 ? a + width : a, c = left > 2 ? b + width : a, d = left > 3 ? c + width : a;
    for (let j = first; j < first + count; j += 2) {
      let a0 = 0, a1 = 0, b0 = 0, b1 = 0, c0 = 0, c1 = 0, d0 = 0, d1 = 0;
      const two = j + 1 < first + count;
      const w0 = j * width, w1 = two ? w0 + width : w0;
      for (let k = 0; k < width; k++) {
        const u = weights[w0 + k], v = weights[w1 + k];
        a0 += x[a + k] * u; a1 += x[a + k] * v;
        b0 += x[b + k] * u; b1 += x[b + k] * v;
        c0 += x[c + k] * u; c1 += x[c + k] * v;
        d0 += x[d + k] * u; d1 += x[d + k] * v;
      }
      const at = r * stride + j;
      out[at] += a0;
      if (left > 1) out[at + stride] += b0;
      if (left > 2) out[at + 2 * stride] += c0;
      if (left > 3) out[at + 3 * stride] += d0;
      if (!two) continue;
      out[at + 1] += a1;
      if (left > 1) out[at + stride + 1] += b1;
      if (left > 2) out[at + 2 * stride + 1] += c1;
      if (left > 3) out[at + 3 * stride + 1] += d1;
    }
  }
}

// ---- a recurrent stack, as RecurrentStack has it; a state is [rows, units] of each layer

const CELLS = {
  gru: {
    gates: 3, // z, r, h; the reset gate acts before the recurrent product
    states: 1,
    step(layer, inputs, [h], rows, scratch) {
      const u = layer.units;
      addProduct(inputs, 3 * u, h, u, rows, layer.recurrent, 0, 2 * u);
      for (let r = 0; r < rows; r++)
        for (let k = 0; k < u; k++) {
          scratch[r * u + k] = sigmoid(inputs[r * 3 * u + u + k]) * h[r * u + k];
        }
      addProduct(inputs, 3 * u, scratch, u, rows, layer.recurrent, 2 * u, u);
      for (let r = 0; r < rows; r++)
        for (let k = 0; k < u; k++) {
          const z = sigmoid(inputs[r * 3 * u + k]), own = tanh(inputs[r * 3 * u + 2 * u + k]);
          h[r * u + k] = z * h[r * u + k] + (1 - z) * own;
        }
    },
  },
  lstm: {
    gates: 4, // i, f, c, o
    states: 2,
    step(layer, inputs, [h, c], rows) {
      const u = layer.units;
      addProduct(inputs, 4 * u, h, u, rows, layer.recurrent, 0, 4 * u);
      for (let r = 0; r < rows; r++)
        for (let k = 0; k < u; k++) {
          const at = r * 4 * u + k;
          const added = sigmoid(inputs[at]) * tanh(inputs[at + 2 * u]);
          c[r * u + k] = sigmoid(inputs[at + u]) * c[r * u + k] + added;
          h[r * u + k] = sigmoid(inputs[at + 3 * u]) * tanh(c[r * u + k]);
        }
    },
  },
};

class Stack {
  // {cell, units, rows, columns, layers: [{kernel, recurrent, bias}]}, and what a step reads: the
  // pixel that lies `behind` its own, those at `neighbours` [down, right], and with `places` its own
  // row and column
  constructor(given) {
    Object.assign(this, given);
    this.size = this.rows * this.columns;
    this.cell = CELLS[given.cell];
    this.width = this.cell.gates * this.units;
    this.layers = given.layers.map((layer, index) => {
      const kernel = numbers(layer.kernel);
      return {
        units: this.units,
        // The lowest layer's rows are looked up, those of the others multiplied.
        kernel: index ? transposed(kernel, this.units, this.width) : kernel,
        recurrent: transposed(numbers(layer.recurrent), this.units, this.width),
        bias: numbers(layer.bias),
      };
    });
    this.sources = Array.from({ length: this.size }, (_, t) => this.sourcesOf(t));
  }

  // Of each input of step t the flat index of its pixel; -1 where it lies outside the image
  sourcesOf(t) {
    const row = Math.floor(t / this.columns), column = t % this.columns;
    const inside = (r, c) => r >= 0 && c >= 0 && c < this.columns;
    return [
      t - this.behind,
      ...this.neighbours.map(([down, right]) =>
        inside(row + down, column + right) ? t + down * this.columns + right : -1),
    ];
  }

  zeroStates(rows) {
    const count = this.layers.length * this.cell.states;
    return Array.from({ length: count }, () => new Float64Array(rows * this.units));
  }

  // One step of `rows` sequences: `states` become those after it. The sequences share `pixels` but
  // where `places[pixel]` >= 0: there each has its own, values[row * count + places[pixel]].
  step(t, states, rows, pixels, places, values, count) {
    const { width, units } = this;
    const { kernel, bias } = this.layers[0];
    const shared = Float64Array.from(bias);
    const add = (out, at, input) => {
      const from = input * width;
      for (let j = 0; j < width; j++) out[at + j] += kernel[from + j];
    };
    const own = [];
    this.sources[t].forEach((pixel, input) => {
      if (pixel < 0) return;
      if (places && places[pixel] >= 0) own.push([input, places[pixel]]);
      else if (pixels[pixel]) add(shared, 0, input);
    });
    if (this.places) {
      const inputs = this.sources[t].length;
      add(shared, 0, inputs + Math.floor(t / this.columns));
      add(shared, 0, inputs + this.rows + (t % this.columns));
    }
    let inputs = new Float64Array(rows * width);
    for (let r = 0; r < rows; r++) inputs.set(shared, r * width);
    if (core && rows >= CORE_ROWS && own.length > 1) {
      const bits = new Float32Array(rows * own.length);
      const weights = new Float32Array(own.length * width);
      own.forEach(([input, place], k) => {
        for (let r = 0; r < rows; r++) bits[r * own.length + k] = values[r * count + place];
        for (let j = 0; j < width; j++) weights[j * own.length + k] = kernel[input * width + j];
      });
      addProduct(inputs, width, bits, own.length, rows, weights, 0, width);
    } else {
      for (let r = 0; r < rows; r++)
        for (const [input, place] of own) if (values[r * count + place]) add(inputs, r * width, input);
    }
    const scratch = new Float64Array(rows * units);
    const n = this.cell.states;
    this.layers.forEach((layer, index) => {
      if (index) {
        const below = states[n * (index - 1)];
        inputs = new Float64Array(rows * width);
        for (let r = 0; r < rows; r++) inputs.set(layer.bias, r * width);
        addProduct(inputs, width, below, units, rows, layer.kernel, 0, width);
      }
      this.cell.step(layer, inputs, states.slice(n * index, n * (index + 1)), rows, scratch);
    });
    return states[n * (this.layers.length - 1)];
  }
}

// Rows of a matrix [*, width] in another order
function gathered(matrix, width, parents) {
  const out = new matrix.constructor(parents.length * width);
  parents.forEach((parent, row) => {
    out.set(matrix.subarray(parent * width, (parent + 1) * width), row * width);
  });
  return out;
}

class Predictor extends Stack {
  constructor(given) {
    super(given);
    this.head = numbers(given.head.kernel);
    this.headBias = numbers(given.head.bias)[0];
  }

  logits(t, states, rows, ...reading) {
    const outputs = this.step(t, states, rows, ...reading);
    return Float64Array.from({ length: rows }, (_, r) => {
      let logit = this.headBias;
      for (let k = 0; k < this.units; k++) logit += outputs[r * this.units + k] * this.head[k];
      return logit;
    });
  }
}

class Classifier extends Stack {
  constructor(given) {
    super(given);
    this.head = given.head.map(({ kernel, bias }) => ({ kernel: numbers(kernel), bias: numbers(bias) }));
  }

  // log p(class) of one image's last output
  logProbs(output) {
    let values = output;
    this.head.forEach(({ kernel, bias }, index) => {
      const sums = Float64Array.from(bias);
      values.forEach((value, k) => {
        for (let j = 0; j < sums.length; j++) sums[j] += value * kernel[k * sums.length + j];
      });
      values = index + 1 < this.head.length ? sums.map((sum) => Math.max(sum, 0)) : sums;
    });
    const total = logSumExp(values);
    return Array.from(values, (value) => value - total);
  }
}

// ---- answers; each is a generator that yields now and then, so that another question can come in

// logits [T] and log p(image), nats
function* score(model, { pixels }) {
  const states = model.zeroStates(1);
  const logits = [];
  let logLikelihood = 0;
  for (let t = 0; t < model.size; t++) {
    logits.push(model.logits(t, states, 1, pixels)[0]);
    logLikelihood += logProb(logits[t], pixels[t]);
    if (t % model.columns === 0) yield;
  }
  return { logits, logLikelihood };
}

// An image written pixel by pixel: the first `start` are given, each other is drawn by its own of
// `uniforms` [T]. Returns the pixels and p(ink) of each, given those before it.
function* write(model, { pixels, start, uniforms }) {
  const states = model.zeroStates(1);
  const written = Uint8Array.from(pixels), ink = [];
  for (let t = 0; t < model.size; t++) {
    ink.push(sigmoid(model.logits(t, states, 1, written)[0]));
    if (t >= start) written[t] = uniforms[t] < ink[t] ? 1 : 0;
    if (t % model.columns === 0) yield;
  }
  return { pixels: Array.from(written), ink };
}

// log p(class | image) [N, K] of images [N, T]
function* classify(model, { images }) {
  const states = model.zeroStates(images.length);
  const values = Uint8Array.from(images.flatMap((image) => Array.from(image)));
  const places = Int32Array.from({ length: model.size }, (_, t) => t);
  for (let t = 0; t < model.size; t++) {
    model.step(t, states, images.length, null, places, values, model.size);
    if (t % model.columns === 0) yield;
  }
  const outputs = states[(model.layers.length - 1) * model.cell.states];
  return images.map((_, n) => model.logProbs(outputs.slice(n * model.units, (n + 1) * model.units)));
}

// The posterior of the `hidden` pixels (flat indices, ascending), given all others: one population
// of sequential Monte Carlo, as scanline.inference.smc has it. `uniforms` in [0, 1) decide: one for
// each hidden pixel where particles branch, else two, those for resampling first. Branching with at
// least 2**k particles is exact. Returns values [P, k], logWeights and logLikelihood [P], nats,
// logObserved, and the least effective number of particles after the hole.
function* posterior(model, { pixels, hidden, particles, uniforms }) {
  const k = hidden.length, branching = k <= BRANCH_UP_TO;
  const places = new Int32Array(model.size).fill(-1);
  hidden.forEach((pixel, place) => (places[pixel] = place));
  const start = k ? hidden[0] : model.size;
  let states = model.zeroStates(1);
  let before = 0;
  for (let t = 0; t < start; t++) {
    before += logProb(model.logits(t, states, 1, pixels)[0], pixels[t]);
    if (t % model.columns === 0) yield { t };
  }
  let count = branching ? 1 : particles; // that are alive
  let values = new Uint8Array(count * k);
  let likelihood = new Float64Array(count).fill(before);
  let weights = new Float64Array(count).fill(before - Math.log(count));
  states = states.map((state) => gathered(state, model.units, new Array(count).fill(0)));
  let least = Infinity;
  for (let t = start; t < model.size; t++) {
    const logits = model.logits(t, states, count, pixels, places, values, k);
    const place = places[t];
    if (place < 0) {
      for (let p = 0; p < count; p++) {
        const nats = logProb(logits[p], pixels[t]);
        weights[p] += nats;
        likelihood[p] += nats;
      }
    } else {
      const chosen = branching
        ? branched(logits, weights, particles, uniforms[place])
        : drawn(logits, weights, uniforms[place], uniforms[k + place]);
      const { parents, ink } = chosen;
      likelihood = Float64Array.from(parents, (parent, p) =>
        likelihood[parent] + logProb(logits[parent], ink[p]));
      weights = chosen.weights;
      values = gathered(values, k, parents);
      count = parents.length;
      for (let p = 0; p < count; p++) values[p * k + place] = ink[p];
      states = states.map((state) => gathered(state, model.units, parents));
    }
    if (k && t >= hidden[k - 1]) least = Math.min(least, effectiveSize(weights));
    if (t % model.columns === 0 || count > 64) yield { t };
  }
  const logObserved = logSumExp(weights);
  return {
    values: Array.from({ length: count }, (_, p) => Array.from(values.subarray(p * k, (p + 1) * k))),
    logWeights: Array.from(weights, (weight) => weight - logObserved),
    logLikelihood: Array.from(likelihood),
    logObserved,
    effectiveSampleSize: least,
    exact: branching && particles >= 2 ** k,
  };
}

// Both values of a hidden pixel for each particle; of the children at most `particles` live on
function branched(logits, weights, particles, uniform) {
  const joint = Float64Array.from({ length: 2 * logits.length }, (_, child) =>
    weights[child >> 1] + logProb(logits[child >> 1], child & 1));
  const top = joint.reduce((a, b) => Math.max(a, b));
  const scaled = joint.map((weight) => Math.exp(weight - top));
  const threshold = thresholdOf(scaled, particles);
  const children = [];
  let sum = 0;
  // A comb with teeth at 1 - u, 2 - u, ... meets those that live.
  scaled.forEach((weight, child) => {
    if (threshold) sum += Math.min(weight / threshold, 1);
    if (threshold ? sum >= children.length + 1 - uniform : weight) children.push(child);
  });
  const lightest = top + Math.log(threshold);
  return {
    parents: children.map((child) => child >> 1),
    ink: children.map((child) => child & 1),
    weights: Float64Array.from(children, (child) => Math.max(joint[child], lightest)),
  };
}

// c with sum of min(weight / c, 1) = count; 0 where all weights may be kept
function thresholdOf(weights, count) {
  if (weights.length <= count) return 0;
  const falling = Float64Array.from(weights).sort().reverse();
  let rest = falling.reduce((a, b) => a + b, 0);
  for (let j = 0; j < count; j++) {
    const each = rest / (count - j);
    if (falling[j] <= each) return each;
    rest -= falling[j];
  }
  return 0;
}

// Particles resampled where their effective number is low, and a pixel drawn for each: systematic,
// in the order of their weights
function drawn(logits, weights, tooth, uniform) {
  const count = logits.length;
  let parents = Array.from({ length: count }, (_, p) => p);
  if (effectiveSize(weights) < RESAMPLE_BELOW * count) {
    const total = logSumExp(weights);
    let edge = 0, parent = -1;
    const next = () => (edge += Math.exp(weights[++parent] - total));
    next();
    parents = parents.map((p) => {
      while (edge < Math.fround((p + tooth) / count) && parent < count - 1) next();
      return parent;
    });
    weights = new Float64Array(count).fill(total - Math.log(count));
  }
  let sum = 0;
  const ink = new Uint8Array(count);
  const weightOf = (p) => Math.round(weights[p] / ALIKE);
  for (const particle of parents.map((_, p) => p).sort((a, b) => weightOf(a) - weightOf(b))) {
    const p = sigmoid(logits[parents[particle]]), place = sum + Math.fround(uniform);
    sum += p;
    ink[particle] = 1 - (place - Math.floor(place)) <= p ? 1 : 0;
  }
  return { parents, ink, weights };
}

// ---- questions: {id, ask, about}; a later one of the same kind ends an earlier one

const ANSWERS = { score, write, classify, posterior };
const models = {};
const running = {};

async function answer({ id, ask, ...about }) {
  running[ask] = id;
  const model = ask === "classify" ? models.classifier : models.predictor;
  const steps = ANSWERS[ask](model, about);
  let last = performance.now();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return postMessage({ id, answer: value });
    if (performance.now() - last > 30) {
      if (value) postMessage({ id, progress: value.t / model.size });
      await new Promise((resolve) => setTimeout(resolve));
      if (running[ask] !== id) return postMessage({ id, stopped: true });
      last = performance.now();
    }
  }
}

onmessage = ({ data }) => {
  if (data.predictor) {
    openCore(data.product);
    models.predictor = new Predictor(data.predictor);
    if (data.classifier) models.classifier = new Classifier(data.classifier);
  } else if (data.stop) {
    delete running[data.stop];
  } else {
    answer(data).catch((error) => postMessage({ id: data.id, error: String(error) }));
  }
};
