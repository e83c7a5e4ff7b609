"use strict";
// Solves an ALTCHA challenge (PBKDF2/SHA-256) in a worker, so that the page stays awake.
// The browser's own cryptography where it is to be had; on plain HTTP browsers hide it, and the same is done here.
const K = new Uint32Array(64);
const START = new Uint32Array(8);
(() => {
  // FIPS 180-4: the fractional parts of the square and cube roots of the first primes.
  const fraction = (x) => ((x - Math.floor(x)) * 4294967296) >>> 0;
  for (let found = 0, n = 2; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
    if (!prime) continue;
    if (found < 8) START[found] = fraction(Math.sqrt(n));
    K[found++] = fraction(Math.cbrt(n));
  }
})();
const W = new Uint32Array(64);

function compress(state, block, out) {
  for (let i = 0; i < 16; i++) W[i] = block[i];
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15], y = W[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  out[0] = state[0] + a; out[1] = state[1] + b; out[2] = state[2] + c; out[3] = state[3] + d;
  out[4] = state[4] + e; out[5] = state[5] + f; out[6] = state[6] + g; out[7] = state[7] + h;
}

// HMAC's two states for a password of at most 64 bytes (RFC 2104); ours has 20.
function keyed(password, pad) {
  const bytes = new Uint8Array(64).fill(pad);
  for (let i = 0; i < password.length; i++) bytes[i] = password[i] ^ pad;
  const out = new Uint32Array(8);
  compress(START, words(bytes), out);
  return out;
}

function words(bytes) {
  const view = new DataView(bytes.buffer);
  return Uint32Array.from({ length: 16 }, (_, i) => view.getUint32(i * 4));
}

function pbkdf2(password, salt, iterations) {
  const inner = keyed(password, 0x36), outer = keyed(password, 0x5c);
  const first = new Uint8Array(64);
  first.set(salt);
  first[salt.length + 3] = 1; // block 1, RFC 8018
  first[salt.length + 4] = 0x80;
  new DataView(first.buffer).setUint32(60, (64 + salt.length + 4) * 8);
  const block = new Uint32Array(16);
  block[8] = 0x80000000;
  block[15] = (64 + 32) * 8;
  const inside = new Uint32Array(8), u = new Uint32Array(8), sum = new Uint32Array(8);
  let message = words(first);
  for (let round = 0; round < iterations; round++) {
    compress(inner, message, inside);
    block.set(inside);
    compress(outer, block, u);
    for (let i = 0; i < 8; i++) sum[i] ^= u[i];
    block.set(u);
    message = block;
  }
  const out = new DataView(new ArrayBuffer(32));
  sum.forEach((word, i) => out.setUint32(i * 4, word));
  return new Uint8Array(out.buffer);
}

const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const toHex = (bytes) => Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");

onmessage = async ({ data: { parameters, start, step } }) => {
  const salt = fromHex(parameters.salt), nonce = fromHex(parameters.nonce), prefix = fromHex(parameters.keyPrefix);
  const password = new Uint8Array(nonce.length + 4);
  password.set(nonce);
  const last = new DataView(password.buffer);
  const native = typeof crypto !== "undefined" && crypto.subtle;
  const most = parameters.data.most;
  for (let counter = start, tried = 0; counter < most; counter += step, tried++) {
    last.setUint32(nonce.length, counter);
    let key;
    if (native) {
      const base = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
      const wanted = { name: "PBKDF2", hash: "SHA-256", salt, iterations: parameters.cost };
      key = new Uint8Array(await crypto.subtle.deriveBits(wanted, base, 256));
    } else {
      key = pbkdf2(password, salt, parameters.cost);
    }
    if (prefix.every((each, i) => each === key[i])) {
      postMessage({ counter, derivedKey: toHex(key) });
      return;
    }
    if (tried % 50 === 49) postMessage({ tried: 50 });
  }
  postMessage({ failed: true });
};
