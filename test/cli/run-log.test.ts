import { expect } from 'chai';
import { RunLog } from '#src/cli/run-log.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';

const all = v1.LinesToShow.create({ isFollowing: true });

describe('what the launcher of a run keeps for millrace logs', () => {
  const lineOf = (text: string, more = {}) => ({ node: 'node-0', process: 'head', text, ...more });

  async function textsOf(reader: ReturnType<RunLog['read']>): Promise<{ texts: string[]; dropped: number }> {
    const texts: string[] = [];
    let dropped = 0;
    for (;;) {
      const next = await reader.next();
      texts.push(...(next.lines ?? []).map(({ text = '' }) => text));
      dropped += next.dropped ?? 0;
      if (next.isLast === true) return { texts, dropped };
    }
  }

  it('are the last lines, within their number and their characters, with the number of those that are missing', async () => {
    const log = new RunLog();
    const count = limits.shownLines + 7;
    for (let line = 0; line < count; line++) log.add(lineOf(String(line)));
    const { texts, dropped } = await textsOf(log.read(v1.LinesToShow.create({})));
    expect([texts.length, texts[0], dropped]).to.deep.equal([limits.shownLines, '7', 0]);
    log.add(lineOf('x'.repeat(limits.shownCharacters)));
    expect((await textsOf(log.read(v1.LinesToShow.create({})))).texts).to.have.length(1);
  });

  it('reach a reader that follows, in order, and one that does not read never holds up the run', async () => {
    const log = new RunLog();
    log.add(lineOf('first'));
    const quick = log.read(all);
    const slow = log.read(all);
    const some = log.read(v1.LinesToShow.create({ isFollowing: true, node: 'node-1' }));
    expect((await quick.next()).lines?.map(({ text }) => text)).to.deep.equal(['first']);
    const next = quick.next();
    log.add(lineOf('second', { node: 'node-1' }));
    expect((await next).lines?.map(({ text }) => text)).to.deep.equal(['second']);
    for (let line = 0; line < limits.shownLines; line++) log.add(lineOf(String(line)));
    const ended = log.end(60_000);
    const [whole, missing, chosen] = await Promise.all([quick, slow, some].map(textsOf));
    await ended;
    expect([whole?.texts.length, whole?.dropped]).to.deep.equal([limits.shownLines, 0]);
    expect([missing?.texts.length, missing?.dropped]).to.deep.equal([limits.shownLines, 2]);
    expect(chosen?.texts).to.deep.equal(['second']);
    expect((await textsOf(log.read(all))).texts).to.have.length(limits.shownLines);
  });

  it('has a bound for its readers, and gives up those that do not take the last lines', async () => {
    const log = new RunLog();
    const readers = Array.from({ length: limits.logReaders }, () => log.read(all));
    expect(() => log.read(all)).to.throw('limit logReaders');
    readers[0]?.close();
    log.read(all);
    await log.end(1);
  });
});
