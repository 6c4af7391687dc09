import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '#src/errors.js';
import { decode, encode, type MapView, Ref, RepeatedView } from '#src/protocol/index.js';
import { compileEverything, type Everything } from './everything.js';
import { initOf } from './mirror.js';
import { Scratch } from './scratch.js';
import { plainOf } from './viewed.js';

const MESSAGES = [
  'Scalars',
  'Optionals',
  'Lists',
  'Maps',
  'Choice',
  'Tree',
  'Tree.Leaf',
  'Numbers',
  'Words',
  'Borrowed',
  'Nothing',
];

const HEAD = 'syntax = "proto3"; package shop;';
const PROTO = `${HEAD}
message Order {
  string name = 1;
  repeated Line lines = 2;
  bytes image = 3;
  map<string, Line> by_name = 4;
  repeated int32 numbers = 5;
}
message Line { string item = 1; double price = 2; }
`;

describe('a view of a message', () => {
  let everything: Everything;
  let scratch: Scratch;

  before(async () => {
    everything = await compileEverything();
    scratch = await Scratch.make();
  });
  after(async () => {
    await everything.remove();
    await scratch.remove();
  });

  /** Both refuse these bytes, or both read the same in them. */
  function compare(name: string, bytes: Uint8Array): void {
    const decoded = outcome(() => decode(everything.ours(name), bytes));
    const viewed = outcome(() => everything.view(name).of(bytes));
    if ('refused' in decoded || 'refused' in viewed) {
      const both = JSON.stringify([decoded, viewed], (_, value: unknown) =>
        typeof value === 'bigint' ? `${value}` : value,
      );
      expect('refused' in viewed, both).to.equal('refused' in decoded);
      return;
    }
    expect(plainOf(viewed.value, decoded.value)).to.deep.equal(decoded.value);
  }

  for (const name of MESSAGES) {
    it(`${name} has the values of the decoded message`, () => {
      const type = everything.ours(name);
      fc.assert(
        fc.property(initOf(everything.theirs(name)), (init) => compare(name, encode(type, type.create(init)))),
        { numRuns: 60 },
      );
    });

    it(`${name} refuses the bytes that decode refuses, when it is opened, and no others`, () => {
      const type = everything.ours(name);
      const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(initOf(everything.theirs(name)), changes, fc.nat(), (init, places, cut) => {
          const bytes = encode(type, type.create(init));
          compare(name, bytes.subarray(0, cut % (bytes.length + 1)));
          // Fields that occur twice, and merge.
          compare(name, new Uint8Array(Buffer.concat([bytes, bytes])));
          for (const [place, byte] of places) if (bytes.length > 0) bytes[place % bytes.length] = byte;
          compare(name, bytes);
        }),
        { numRuns: 60 },
      );
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => compare(name, bytes)),
        { numRuns: 500 },
      );
    });
  }

  it('refuses a reference to an actor of another service, as decode does', () => {
    for (const service of ['everything.Garden', 'everything.Shop', '']) {
      const ref = encode(Ref, Ref.create({ cUid: 5n, service }));
      for (const number of [1, 2, 3, 4, 5, 6]) compare('Staff', Uint8Array.from([number * 8 + 2, ref.length, ...ref]));
    }
  });

  it('copies no bytes, and reads lists and maps as often as they are asked for', async () => {
    await scratch.put('shop.proto', PROTO);
    await scratch.generate(['shop.proto'], { views: true });
    const { Order } = (await scratch.load('shop.js')) as Record<string, ReturnType<Everything['ours']>>;
    const { OrderView } = (await scratch.load('shop.views.js')) as Record<string, ReturnType<Everything['view']>>;
    if (Order === undefined || OrderView === undefined) throw new Error('they were not generated');
    const lines = [1, 2, 3].map((price) => ({ item: `item ${price}`, price }));
    const init = { name: 'a', lines, image: new Uint8Array(100).fill(7), byName: { x: lines[0] }, numbers: [5, 6] };
    const bytes = encode(Order, Order.create(init));
    const view = OrderView.of(bytes);
    const read = (name: string): unknown => Reflect.get(view, name);
    const image = read('image') as Uint8Array;
    expect(image.buffer).to.equal(bytes.buffer);
    expect([...image]).to.deep.equal([...init.image]);
    const list = read('lines') as RepeatedView<{ readonly price: number }>;
    expect(list).to.be.instanceOf(RepeatedView);
    expect(list.length).to.equal(3);
    for (let turn = 0; turn < 2; turn += 1) expect(Array.from(list, ({ price }) => price)).to.deep.equal([1, 2, 3]);
    expect(list.at(1)?.price).to.equal(2);
    expect(list.at(3)).to.equal(undefined);
    expect((read('numbers') as RepeatedView<number>).at(1)).to.equal(6);
    const map = read('byName') as MapView<string, { readonly item: string }>;
    expect(map.get('x')?.item).to.equal('item 1');
    expect([map.get('y'), map.has('x'), map.has('y')]).to.deep.equal([undefined, true, false]);
    // Two iterations at a time, each with its own place.
    const pairs = [...list].map(({ price }) => [price, ...Array.from(list, (line) => line.price)]);
    expect(pairs).to.deep.equal([1, 2, 3].map((price) => [price, 1, 2, 3]));
  });

  it('is made only where it is asked for', async () => {
    await scratch.put('plain.proto', `${HEAD} message M {}`);
    await scratch.generate(['plain.proto']);
    expect((await scratch.files('gen')).filter((file) => file.startsWith('plain'))).to.deep.equal([
      'plain.d.ts',
      'plain.js',
    ]);
  });

  it('is refused where its module would be that of another file', async () => {
    await scratch.put('two.proto', `${HEAD} message M {}`);
    await scratch.put('two.views.proto', 'syntax = "proto3"; package other; message M {}');
    const files = ['two.proto', 'two.views.proto'];
    expect(await scratch.refusal(files, { views: true })).to.include('would both become');
    await scratch.generate(files);
  });
});

function outcome<T>(action: () => T): { readonly value: T } | { readonly refused: string } {
  try {
    return { value: action() };
  } catch (error) {
    if (error instanceof ProtocolError) return { refused: error.message };
    throw error;
  }
}
