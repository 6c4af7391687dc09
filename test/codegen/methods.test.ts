import { expect } from 'chai';
import fc from 'fast-check';
import { Lane, type AnyService } from '#src/protocol/index.js';
import { Scratch } from './scratch.js';

const HEAD =
  'syntax = "proto3"; package shop; import "google/protobuf/empty.proto"; import "millrace/v1/annotations.proto";';

const rpcs = fc.array(
  fc.record({
    streamsRequests: fc.boolean(),
    streamsResponses: fc.boolean(),
    isAsync: fc.boolean(),
    isControl: fc.boolean(),
    level: fc.constantFrom('', 'IDEMPOTENCY_UNKNOWN', 'IDEMPOTENT', 'NO_SIDE_EFFECTS'),
  }),
  { minLength: 1, maxLength: 12 },
);
type Rpc = typeof rpcs extends fc.Arbitrary<(infer T)[]> ? T : never;

/** A tell is refused unless it takes one message and returns nothing. */
function isRefused({ isAsync, streamsRequests, streamsResponses }: Rpc): boolean {
  return isAsync && (streamsRequests || streamsResponses);
}

function rpcOf({ streamsRequests, streamsResponses, isAsync, isControl, level }: Rpc, index: number): string {
  const given = streamsRequests ? 'stream Row' : 'Row';
  const reply = isAsync ? 'google.protobuf.Empty' : 'Sum';
  const options = [
    ...(isAsync ? ['option (millrace.v1.mode) = ASYNC;'] : []),
    ...(level === '' ? [] : [`option idempotency_level = ${level};`]),
    ...(isControl ? ['option (millrace.v1.lane) = CONTROL;'] : []),
  ];
  return `rpc Rpc${index}(${given}) returns (${streamsResponses ? 'stream ' : ''}${reply}) { ${options.join(' ')} }`;
}

function typeOf({ streamsRequests, streamsResponses, isAsync }: Rpc): string {
  if (isAsync) return 'TellMethod<Row, RowInit>';
  const name = streamsRequests
    ? streamsResponses
      ? 'BidiStreamMethod'
      : 'ClientStreamMethod'
    : streamsResponses
      ? 'StreamMethod'
      : 'AskMethod';
  return `${name}<Row, RowInit, Sum, SumInit>`;
}

describe('the methods of a generated service', () => {
  let scratch: Scratch;

  beforeEach(async () => {
    scratch = await Scratch.make();
  });
  afterEach(() => scratch.remove());

  it('are what the rpcs say, whichever sides are streams', async () => {
    let module = 0;
    await fc.assert(
      fc.asyncProperty(rpcs, async (all) => {
        const name = `m${module++}`;
        const body = all.map((rpc, index) => rpcOf(rpc, index)).join('\n');
        const proto = `${HEAD} message Row {} message Sum { int32 a = 1; } service S {\n${body}\n}`;
        await scratch.put(`${name}.proto`, proto);
        const wrong = all.findIndex(isRefused);
        if (wrong >= 0) {
          expect(await scratch.refusal([`${name}.proto`])).to.include(`rpc shop.S.Rpc${wrong} is a tell`);
          return;
        }
        await scratch.generate([`${name}.proto`]);
        const { S } = (await scratch.load(`${name}.js`)) as { S: AnyService };
        const types = await scratch.read(`gen/${name}.d.ts`);
        for (const [index, rpc] of all.entries()) {
          const method = S.methods[`rpc${index}`];
          expect(method).to.include({
            mode: rpc.isAsync ? 'tell' : rpc.streamsResponses ? 'stream' : 'ask',
            lane: rpc.isControl ? Lane.control : Lane.data,
          });
          expect(method?.streamsRequests).to.equal(rpc.streamsRequests ? true : undefined);
          expect(types).to.include(`readonly rpc${index}: ${typeOf(rpc)};`);
        }
      }),
      { numRuns: 60 },
    );
  });
});
