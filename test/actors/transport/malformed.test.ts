import { expect } from 'chai';
import { limits } from '#src/limits.js';
import { type EnvelopeHeader, EnvelopeMode, v1 } from '#src/protocol/index.js';
import { until } from '../../support/until.js';
import { Errands, list, push, run } from './errands.js';
import { endWorlds, errands, type Partition, PartitionWorld } from './partitions.js';
import { Stranger } from './stranger.js';

describe('malformed messages', () => {
  afterEach(endWorlds);

  async function setUp(options: ConstructorParameters<typeof PartitionWorld>[0] = {}) {
    const world = new PartitionWorld(options);
    const [far, peer] = [await world.start('b/1'), await world.start('c/1')];
    const seen: number[] = [];
    far.system.spawn(errands({ push: (_state, { value }) => void seen.push(value) }), { cUid: 3n });
    const ref = peer.system.referenceTo(Errands, peer.router.routeTo(far.address, 3n));
    await ref.run({});
    const transport = world.network.transport({ node: 'evil', process: '1' });
    const stranger = new Stranger(transport, await transport.connect(far.address, { timeoutMs: 1_000 }));
    const finish = async (): Promise<void> => {
      expect(await ref.run({ value: 7 }), 'peers are untouched').to.deep.include({ value: 7 });
      await transport.close();
    };
    return { world, far, seen, stranger, finish };
  }

  async function counted(far: Partition, count: number): Promise<void> {
    await until(`${count} to be counted`, () => far.router.protocolErrors === count);
  }

  const toWorker = (header: EnvelopeHeader): void => {
    header.hasTo = true;
    header.toLow = 3;
    header.method = 1;
  };

  it('of every kind are counted and logged, and the link goes on', async () => {
    const { far, seen, stranger, finish } = await setUp();
    const good = stranger.envelope(
      (header) => {
        toWorker(header);
        header.methodName = push.fullName;
      },
      push,
      { value: 1 },
    );
    const malformed: Record<string, Uint8Array> = {
      truncated: good.slice(0, good.length - 2),
      'absurd length': new Uint8Array([0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2]),
      'unknown number': stranger.envelope((header) => {
        toWorker(header);
        header.method = 9;
      }, push),
      'unknown method': stranger.envelope((header) => {
        toWorker(header);
        header.method = 2;
        header.methodName = 'test.Errands.Fly';
      }, push),
      'another service': stranger.envelope((header) => {
        toWorker(header);
        header.method = 2;
        header.methodName = 'test.Chores.Push';
      }, push),
      'number too large': stranger.envelope((header) => {
        toWorker(header);
        header.method = limits.linkMethods + 1;
        header.methodName = push.fullName;
      }, push),
      'to nobody': stranger.envelope((header) => {
        header.methodName = push.fullName;
      }, push),
      'value of another type': stranger.envelope(
        (header) => {
          toWorker(header);
          header.methodName = push.fullName;
        },
        { ...push, request: v1.Watch },
        { cUid: 1n },
      ),
      'unknown word': stranger.word({}),
      'number that was never given': stranger.word({ message: { case: 'methodBound', value: { method: 77 } } }),
    };
    let expected = 0;
    for (const [kind, bytes] of Object.entries(malformed)) {
      stranger.send(bytes);
      await until(`${kind} to be counted`, () => far.router.protocolErrors > expected);
      expected = far.router.protocolErrors;
    }
    stranger.send(good);
    await until('the good one to arrive', () => seen.includes(1));
    expect(stranger.link.isOpen).to.equal(true);
    expect(far.log.filter(({ message }) => message === 'malformed message')).to.have.length(expected);
    await finish();
  });

  it('that state another identity are refused: a peer cannot fill the tables by which it is found', async () => {
    const { far, stranger, finish } = await setUp();
    const hello = (value: v1.HelloInit): Uint8Array =>
      stranger.word({ message: { case: 'hello', value: v1.Hello.create({ version: 1, ...value }) } });
    stranger.send(hello({ address: 'memory://peer/1/9', incarnation: 4n }));
    stranger.send(hello({ address: 'memory://peer/1/9', incarnation: 4n, ordinal: 7 }));
    stranger.send(hello({ address: 'memory://peer/1/9', incarnation: 4n, ordinal: 7 }));
    const others = [
      { address: 'memory://peer/2/9', incarnation: 4n, ordinal: 7 },
      { address: 'memory://peer/1/9', incarnation: 5n, ordinal: 7 },
      { address: 'memory://peer/1/9', incarnation: 4n, ordinal: 8 },
    ];
    for (const other of others) stranger.send(hello(other));
    await counted(far, others.length);
    const hellos = [...far.router.channels()].map(
      ({ peer }) => `${peer?.address} ${peer?.incarnation} ${peer?.ordinal}`,
    );
    expect(hellos).to.include('memory://peer/1/9 4 7');
    await finish();
  });

  it('in the midst of a frame cost the frame s other messages nothing', async () => {
    const { far, seen, stranger, finish } = await setUp();
    const message = (value: number): Uint8Array =>
      stranger.envelope(
        (header) => {
          toWorker(header);
          header.methodName = push.fullName;
        },
        push,
        { value },
      );
    stranger.send(Buffer.concat([message(1), Buffer.from([3, 0xff, 0xff, 0xff]), message(2)]));
    await until('both to arrive', () => seen.length === 2);
    expect(far.router.protocolErrors).to.equal(1);
    await finish();
  });

  it('are survived up to the limit, then the link is closed', async () => {
    const { far, stranger, finish } = await setUp();
    const bad = stranger.envelope((header) => {
      toWorker(header);
      header.method = 9;
    }, push);
    for (let sent = 1; sent < limits.linkProtocolErrors; sent += 1) stranger.send(bad);
    await counted(far, limits.linkProtocolErrors - 1);
    expect(stranger.link.isOpen).to.equal(true);
    stranger.send(bad);
    await until('the link to be closed', () => stranger.ended.length === 1);
    expect(stranger.ended[0]).to.deep.include({ kind: 'protocol' });
    await finish();
  });

  it('made of random bytes never throw out of the event loop', async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const { world, stranger, finish } = await setUp({ seed });
      const random = world.scheduler.fork('garbage');
      for (let frames = 0; frames < 20 && stranger.link.isOpen; frames += 1) {
        stranger.send(new Uint8Array(1 + Math.floor(random() * 300)).map(() => Math.floor(random() * 256)));
        await world.pass(1);
      }
      await finish();
    }
  });

  it('that were messages before a bit turned never throw out of the event loop', async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const { world, stranger, finish } = await setUp({ seed });
      const random = world.scheduler.fork('garbage');
      const originals = [
        stranger.envelope((header) => {
          toWorker(header);
          header.mode = EnvelopeMode.ask;
          header.methodName = run.fullName;
          header.correlation = 5;
          header.remainingMicroseconds = 1_000_000;
          header.chain = [9n, 8n];
          header.meta = { trace: '7' };
          header.passThrough = new Uint8Array([1, 2, 3]);
        }, run),
        stranger.envelope((header) => {
          header.mode = EnvelopeMode.failure;
          header.correlation = 5;
          header.error = { code: 'STOPPED', message: 'gone', handlerCode: '', retryAfterMs: 0 };
        }),
        stranger.envelope((header) => {
          toWorker(header);
          header.mode = EnvelopeMode.open;
          header.methodName = list.fullName;
          header.correlation = 6;
          header.credit = 3;
        }, list),
        stranger.envelope((header) => {
          header.mode = EnvelopeMode.element;
          header.correlation = 1;
          header.sequence = 2;
        }, list),
        stranger.word({
          message: { case: 'streamCredit', value: { stream: 6, credit: 9, received: 1, hasGap: true } },
        }),
        stranger.word({ message: { case: 'streamCancel', value: { stream: 6 } } }),
        stranger.word({ message: { case: 'streamEnd', value: { stream: 1, elements: 2 } } }),
        stranger.word({ message: { case: 'streamClosed', value: { stream: 6, isReader: true } } }),
        stranger.word({ message: { case: 'hello', value: { version: 1, address: 'memory://x/1', ordinal: 1 } } }),
        stranger.word({ message: { case: 'watch', value: { cUid: 3n } } }),
        stranger.word({ message: { case: 'terminated', value: { cUid: 3n } } }),
        stranger.word({ message: { case: 'pressure', value: { cUid: 3n, level: v1.Pressure_Level.METERED } } }),
      ];
      for (let frames = 0; frames < 30 && stranger.link.isOpen; frames += 1) {
        const bytes = (originals[Math.floor(random() * originals.length)] ?? new Uint8Array(1)).slice();
        const place = Math.floor(random() * bytes.length);
        bytes[place] = (bytes[place] ?? 0) ^ (1 << Math.floor(random() * 8));
        stranger.send(bytes);
        await world.pass(1);
      }
      await finish();
    }
  });

  it('answer whoever asked, with the reason', async () => {
    const { far, stranger, finish } = await setUp();
    const before = stranger.frames;
    stranger.send(
      stranger.envelope((header) => {
        toWorker(header);
        header.mode = EnvelopeMode.ask;
        header.correlation = 5;
        header.method = 9;
      }, run),
    );
    await counted(far, 1);
    await until('the answer', () => stranger.frames > before);
    await finish();
  });

  it('cannot fill memory: what a peer may name is bounded', async () => {
    const { far, stranger, finish } = await setUp();
    let cUid = 10n;
    while (stranger.link.isOpen && cUid < 70_000n) {
      const words = Array.from({ length: 500 }, () =>
        stranger.word({ message: { case: 'pressure', value: { cUid: cUid++, level: v1.Pressure_Level.METERED } } }),
      );
      stranger.send(Buffer.concat(words));
      const sent = cUid;
      await until('the frame to be read', () => stranger.link.bytesSent > 0 && sent === cUid);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('the link to be closed', () => stranger.ended.length === 1);
    expect(far.router.protocolErrors).to.equal(limits.linkProtocolErrors);
    await finish();
  });

  it('of a router of another version end the link at once', async () => {
    const { stranger, finish } = await setUp();
    stranger.send(stranger.word({ message: { case: 'hello', value: { version: 2, address: '' } } }));
    await until('the link to be closed', () => stranger.ended.length === 1);
    expect(stranger.ended[0]).to.deep.include({ kind: 'protocol' });
    await finish();
  });

  it('do not matter to an ask without a deadline: it is answered', async () => {
    const { stranger, finish, far } = await setUp();
    const before = stranger.frames;
    stranger.send(
      stranger.envelope((header) => {
        toWorker(header);
        header.mode = EnvelopeMode.ask;
        header.methodName = run.fullName;
        header.correlation = 5;
      }, run),
    );
    // The number is acknowledged in one frame at most, the reply is on the data lane.
    await until('the reply', () => stranger.frames >= before + 2);
    expect(far.router.protocolErrors).to.equal(0);
    await finish();
  });
});
