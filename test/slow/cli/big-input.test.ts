import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { FLIGHTS, Folder } from '../../cli/millrace.js';

describe('millrace run, with more input than memory', function () {
  this.timeout(180_000);
  const folder = new Folder();
  after(() => folder.remove());

  it('reads 60 MB with a heap of 32 MB', async () => {
    const row = '{"delay":-7,"distance":1452,"time":13.266666666666667}';
    const rows = `${`${row},`.repeat(10_000)}`;
    const parts = Array.from({ length: 115 }, () => rows);
    folder.write('large.json', `[${parts.join('')}${row}]`);
    expect(statSync(join(folder.path, 'large.json')).size).to.be.above(60 * 1024 * 1024);
    const words = ['run', FLIGHTS, '--', '--input', 'large.json', '--out', 'large', '--quiet'];
    const ended = await folder.run(words, { NODE_OPTIONS: '--max-old-space-size=32' });
    expect(ended.code, ended.stderr).to.equal(0);
    expect(JSON.parse(folder.read('large/flights.json'))).to.deep.include({
      flights: 1_150_001,
      byHour: [{ hour: 13, count: 1_150_001, meanDelayMinutes: -7 }],
    });
    expect(existsSync(join(folder.path, 'large/flights.svg'))).to.equal(true);
  });
});
