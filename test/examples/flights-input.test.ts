import { expect } from 'chai';
import fc from 'fast-check';
import { folderOfTests, parsed, plainResult, rowsFrom, runFlights } from './flights.js';

const GOOD = { delay: 5, distance: 300, time: 7.5 };
/** Where it ends as the first row of an array. */
const END = 1 + JSON.stringify(GOOD).length;

describe('the input of the flights example', function () {
  this.timeout(120_000);
  const folder = folderOfTests();
  after(() => folder.remove());

  const resultOf = async (text: string): Promise<unknown> => parsed(await runFlights(folder.input(text), folder.path));
  const failureOf = async (text: string): Promise<string> => {
    const { error, json } = await runFlights(folder.input(text), folder.path);
    expect(json, 'no result is left behind').to.equal(undefined);
    return error?.message ?? 'no failure';
  };

  it('may have space and line breaks anywhere', async () => {
    const rows = rowsFrom(3, 100);
    const text = ` \r\n${JSON.stringify(rows, null, 4)}\n\n`;
    expect(await resultOf(text)).to.deep.equal(plainResult(rows));
  });

  it('may have no rows at all', async () => {
    for (const text of ['[]', ' [ \n ] ']) expect(await resultOf(text)).to.deep.equal(plainResult([]));
  });

  it('may have other members, with braces, commas, quotes and any letters in their text', async () => {
    const texts = fc.array(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('}', '],', '"', '\\', '[{', 'é,🛫')),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(texts, async (notes) => {
        const rows = notes.map((note) => ({ note, more: [{ note }], ...GOOD }));
        expect(await resultOf(JSON.stringify(rows))).to.deep.equal(plainResult(rows));
      }),
      { numRuns: 10 },
    );
  });

  it('may have rows that are longer than one read of the file', async () => {
    const rows = [1, 100_000, 5, 200_000, 65_530].map((length) => ({ note: '🛬'.repeat(length / 4), ...GOOD }));
    expect(await resultOf(JSON.stringify(rows))).to.deep.equal(plainResult(rows));
  });

  it('has broken rows counted, and the first few told with row and byte', async () => {
    const broken = [
      ['{"delay":1,"distance":}', 'it is not JSON'],
      ['7', 'it is not an object'],
      ['null', 'it is not an object'],
      ['[1,2,3]', 'it is not an object'],
      ['', 'it is not JSON'],
      ['{"delay":"1","distance":2,"time":3}', 'delay is not a number'],
      ['{"delay":1e999,"distance":2,"time":3}', 'delay is not a number'],
      ['{"delay":1,"time":3}', 'distance is not a number of 0 or more'],
      ['{"delay":1,"distance":-1,"time":3}', 'distance is not a number of 0 or more'],
      ['{"delay":1,"distance":2,"time":24}', 'time is not a number of hours in [0, 24)'],
      ['{"delay":1,"distance":2,"time":-0.1}', 'time is not a number of hours in [0, 24)'],
    ] as const;
    const good = JSON.stringify(GOOD);
    for (const [row, reason] of broken) {
      const before = `[${good}, `;
      const ran = await runFlights(folder.input(`${before}${row},${good}]`), folder.path);
      expect(parsed(ran), row).to.deep.equal(plainResult([GOOD, GOOD], 1));
      expect(ran.rejected[0], row).to.include({ row: 1, reason });
      if (row !== '') expect(ran.rejected[0]?.['byte'], row).to.equal(before.length);
    }
  });

  it('names the same broken rows for any number of instances: the first five of the file', async () => {
    const rows = rowsFrom(5, 2_000).map((row, index) => (index % 97 === 50 ? { ...row, time: 'late' } : row));
    const text = JSON.stringify(rows);
    const input = folder.input(text);
    for (const instances of [1, 5]) {
      const ran = await runFlights(input, folder.path, {
        instances: { parse: instances, tally: instances },
        partitions: 2,
      });
      expect(parsed(ran)).to.have.property('rejected', 21);
      expect(ran.rejected.map(({ row }) => row)).to.deep.equal([50, 147, 244, 341, 438]);
      for (const { row, byte } of ran.rejected) {
        expect(text.slice(Number(byte))).to.match(/^\{"delay":/);
        expect(text.slice(0, Number(byte)).split('{').length - 1, 'rows before it').to.equal(row);
      }
    }
  });

  it('fails, and leaves no result, when it cannot be what it should be', async () => {
    expect(await failureOf(''))
      .to.include('segment "read"')
      .and.include('empty');
    expect(await failureOf('  ')).to.include('empty');
    expect(await failureOf('{"delay":1}'))
      .to.include('not "["')
      .and.include('byte 0');
    expect(await failureOf(`[${JSON.stringify(GOOD)},{"delay":1`))
      .to.include('cut off')
      .and.include('row 1');
    expect(await failureOf(`[${JSON.stringify(GOOD)}`)).to.include('cut off');
    expect(await failureOf(`[${JSON.stringify(GOOD)}] []`))
      .to.include('goes on after the end')
      .and.include(`byte ${END + 2}`);
    expect(await failureOf(`[${JSON.stringify(GOOD)},{"delay":"${'x'.repeat(1_200_000)}`))
      .to.include('Row 1')
      .and.include(`byte ${END + 1}`);
    expect((await runFlights('/nowhere/at/all.json', folder.path)).error?.message).to.include('ENOENT');
  });
});
