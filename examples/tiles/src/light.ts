/** How the ground looks from above, with the sun in the north-west. */
import { GROUND_SIDE, SIDE } from './ground.js';

type Color = readonly [red: number, green: number, blue: number];

/** Colors of heights in meters, from the deep sea to the snow. */
const COLORS: readonly (readonly [meters: number, color: Color])[] = [
  [-3_000, [16, 48, 92]],
  [-300, [38, 96, 140]],
  [-1, [108, 168, 184]],
  [0, [222, 206, 160]],
  [60, [142, 168, 92]],
  [500, [84, 128, 72]],
  [1_100, [128, 112, 84]],
  [1_700, [148, 140, 132]],
  [2_200, [248, 248, 250]],
];
const METERS_A_PIXEL = 12;
const AMBIENT = 0.45;

/** Fills `pixels` with red, green and blue of each pixel of a tile. */
export function light(heights: Float32Array, pixels: Uint8Array): void {
  let out = 0;
  for (let line = 1; line <= SIDE; line++) {
    for (let pixel = 1; pixel <= SIDE; pixel++) {
      const at = line * GROUND_SIDE + pixel;
      const height = heights[at] ?? 0;
      const shade = height < 0 ? 1 : shadeAt(heights, at);
      for (const part of colorOf(height)) pixels[out++] = Math.min(255, part * shade);
    }
  }
}

/** More where the ground looks to the sun. */
function shadeAt(heights: Float32Array, at: number): number {
  const east = (heights[at + 1] ?? 0) - (heights[at - 1] ?? 0);
  const south = (heights[at + GROUND_SIDE] ?? 0) - (heights[at - GROUND_SIDE] ?? 0);
  const steepness = Math.sqrt(east * east + south * south + 4 * METERS_A_PIXEL * METERS_A_PIXEL);
  const facing = (east + south + 2 * METERS_A_PIXEL) / steepness;
  return AMBIENT + (1 - AMBIENT) * Math.max(0, facing);
}

function colorOf(meters: number): Color {
  let [below, under] = COLORS[0] ?? [0, [0, 0, 0] as const];
  for (const [above, color] of COLORS) {
    if (meters < above) {
      const part = Math.max(0, (meters - below) / (above - below));
      return [mix(under[0], color[0], part), mix(under[1], color[1], part), mix(under[2], color[2], part)];
    }
    [below, under] = [above, color];
  }
  return under;
}

function mix(from: number, to: number, part: number): number {
  return from + (to - from) * part;
}
