import { pipeline } from '#src/actors/runtime/index.js';
import { upTo } from '../../../support/numbers.js';
import { Frame } from '../../values/frames.js';
import { isPatterned, patterned } from '../../values/harness.js';

export interface FramesArgs {
  readonly count: number;
  readonly sizeBytes: number;
}

/** Frames whose pixels are borrowed, through segments in several partitions. Fails where a pixel or a frame is wrong. */
export default pipeline('frames', import.meta.url, (p, { count, sizeBytes }: FramesArgs) => {
  const made = p.source('make', Frame, async (output) => {
    for (const number of upTo(count)) await output.write({ number, pixels: patterned(sizeBytes, number) });
  });
  const passed = p.segment('pass', made, Frame, { instances: 2 }, async (input, output) => {
    for await (const frame of input) {
      // The memory may have been used again by now, if it was not held.
      await new Promise((resolve) => setImmediate(resolve));
      if (!isPatterned(frame.pixels, frame.number)) throw new Error(`frame ${frame.number} is wrong`);
      await output.write(frame);
    }
  });
  p.sink('check', passed, async (input) => {
    const seen = new Set<number>();
    for await (const { number, pixels } of input) {
      if (pixels.length !== sizeBytes || !isPatterned(pixels, number)) throw new Error(`frame ${number} is wrong`);
      seen.add(number);
    }
    if (seen.size !== count) throw new Error(`${seen.size} of ${count} frames came`);
  });
});
