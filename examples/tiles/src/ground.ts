/** The ground of a coast, from a seed: eight octaves of noise, bent by another noise. The same seed gives the same bits in every process. */

/** Pixels along a tile. */
export const SIDE = 512;
/** Light needs the neighbours of each pixel. */
export const GROUND_SIDE = SIDE + 2;

const OCTAVES = 8;
const HIGHEST_METERS = 3_600;
/** Pixels from one of the largest hills to the next. */
const HILL_PIXELS = 520;

/** Fills `heights` with the ground of one tile and of the pixel around it. */
export function raise(heights: Float32Array, column: number, row: number, seed: number): void {
  let index = 0;
  for (let line = -1; line <= SIDE; line++) {
    for (let pixel = -1; pixel <= SIDE; pixel++) {
      heights[index++] = heightAt((column * SIDE + pixel) / HILL_PIXELS, (row * SIDE + line) / HILL_PIXELS, seed);
    }
  }
}

function heightAt(x: number, y: number, seed: number): number {
  const bend = noise(x * 1.7, y * 1.7, seed + 101);
  let height = 0;
  let weight = 0.5;
  for (let octave = 0, scale = 1; octave < OCTAVES; octave++, scale *= 2, weight /= 2) {
    height += weight * noise((x + 0.35 * bend) * scale, (y - 0.35 * bend) * scale, seed + octave);
  }
  const hills = (height - 0.46) * 2.4;
  return hills * Math.sqrt(Math.abs(hills)) * HIGHEST_METERS;
}

/** Smooth noise from 0 to 1: random numbers at the corners of a grid, and between them a curve. */
function noise(x: number, y: number, seed: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [across, down] = [smooth(x - left), smooth(y - top)];
  const north = mix(corner(left, top, seed), corner(left + 1, top, seed), across);
  const south = mix(corner(left, top + 1, seed), corner(left + 1, top + 1, seed), across);
  return mix(north, south, down);
}

function corner(x: number, y: number, seed: number): number {
  let bits = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1);
  bits = Math.imul(bits ^ (bits >>> 15), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}

function smooth(part: number): number {
  return part * part * (3 - 2 * part);
}

function mix(from: number, to: number, part: number): number {
  return from + (to - from) * part;
}
