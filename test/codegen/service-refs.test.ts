import { expect } from 'chai';
import { untypedBehavior } from '#src/actors/kernel/index.js';
import { ProtocolError } from '#src/errors.js';
import { type AskMethod, decode, encode, type MessageType, Ref, type Service } from '#src/protocol/index.js';
import { endWorlds, PartitionWorld } from '../actors/transport/partitions.js';
import { millraceRejection } from '../support/rejection.js';
import { Scratch } from './scratch.js';

type Row = Readonly<Record<string, unknown>>;
type Desk = Service<{ readonly pass: AskMethod<Row, Row, Row, Row> }>;

const HEAD = 'syntax = "proto3"; package shop; import "millrace/v1/annotations.proto"; import "millrace/v1/ref.proto";';
const OPTION = '[(millrace.v1.service) = "Stock"]';
const PROTO = `${HEAD}
message Items { int32 count = 1; }
service Stock { rpc Reserve(Items) returns (Items); }
service Orders { rpc Place(Order) returns (Items); }
message Order {
  millrace.v1.Ref stock = 1 ${OPTION};
  repeated millrace.v1.Ref more = 2 ${OPTION};
  map<string, millrace.v1.Ref> by_name = 3 ${OPTION};
  map<int32, millrace.v1.Ref> by_number = 4 ${OPTION};
  oneof other { millrace.v1.Ref spare = 5 ${OPTION}; string none = 6; }
}
// As Order, of a program that does not know the option.
message Loose {
  millrace.v1.Ref stock = 1;
  repeated millrace.v1.Ref more = 2;
  map<string, millrace.v1.Ref> by_name = 3;
  map<int32, millrace.v1.Ref> by_number = 4;
  oneof other { millrace.v1.Ref spare = 5; string none = 6; }
}
`;

/** A message with one reference in each shape, and where it is. */
const shapes = (ref: unknown): Readonly<Record<string, Row>> => ({
  stock: { stock: ref },
  'more[1]': { more: [{}, ref] },
  'byName["a"]': { byName: { a: ref } },
  'byNumber[1]': { byNumber: new Map([[1, ref]]) },
  spare: { other: { case: 'spare', value: ref } },
});

describe('a reference whose service the proto names', () => {
  let scratch: Scratch;
  let order: MessageType<Row, Row>;
  let loose: MessageType<Row, Row>;

  beforeEach(async () => {
    scratch = await Scratch.make();
    await scratch.put('shop.proto', PROTO);
    await scratch.generate(['shop.proto']);
    [order, loose] = [await scratch.type('shop.js', 'Order'), await scratch.type('shop.js', 'Loose')];
  });
  afterEach(endWorlds);
  afterEach(() => scratch.remove());

  it('may be one to that service, or to one that is not known', () => {
    for (const service of ['shop.Stock', '']) {
      for (const init of Object.values(shapes({ cUid: 5n, service }))) {
        const message = order.create(init);
        expect(decode(order, encode(order, message))).to.deep.equal(message);
        expect(message).to.deep.equal(loose.create(init));
      }
    }
    expect(order.create({ more: [{}] })['more']).to.deep.equal([Ref.create()]);
  });

  it('is refused as one to another service: when it is sent, encoded and received', () => {
    for (const [path, init] of Object.entries(shapes({ cUid: 5n, service: 'shop.Orders' }))) {
      const text = `shop.Order.${path}.service must be shop.Stock, not "shop.Orders"`;
      expect(() => order.create(init)).to.throw(ProtocolError, text);
      expect(() => encode(order, { ...order.create(), ...loose.create(init) })).to.throw(ProtocolError, text);
      const bytes = encode(loose, loose.create(init));
      expect(() => decode(order, bytes)).to.throw(ProtocolError, /service must be shop\.Stock, not "shop\.Orders"/);
    }
  });

  it('is refused over a link as one to another service, of a peer whose proto has no option, and the link goes on', async () => {
    const desk = async (folder: string, option: string): Promise<Desk> => {
      const message = `message Note { millrace.v1.Ref to = 1 ${option}; }`;
      const services =
        'service Stock { rpc Count(Note) returns (Note); } service Desk { rpc Pass(Note) returns (Note); }';
      await scratch.put(`${folder}/desk.proto`, `${HEAD} ${message} ${services}`);
      await scratch.generate([`${folder}/desk.proto`], { out: `${scratch.path}/gen/${folder}` });
      return (await scratch.load(`${folder}/desk.js`))['Desk'] as Desk;
    };
    const [strict, lax] = [await desk('strict', OPTION), await desk('lax', '')];
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const right = { cUid: 5n, service: 'shop.Stock' };
    const wrong = { cUid: 5n, service: 'shop.Desk' };
    const received: unknown[] = [];
    const takes = untypedBehavior(strict, { pass: (_state: unknown, { to }: Row) => (received.push(to), { to }) });
    const gives = untypedBehavior(lax, { pass: (_state: unknown, { to }: Row) => ({ to: to ?? wrong }) });
    const asksStrict = world.reach(near, lax, far.system.spawn(takes));
    const asksLax = world.reach(near, strict, far.system.spawn(gives));
    for (const error of [
      await millraceRejection(asksStrict.pass({ to: wrong })),
      await millraceRejection(asksLax.pass({})),
    ]) {
      expect(error.code).to.equal('PROTOCOL');
      expect(error.message).to.include('service must be shop.Stock, not "shop.Desk"');
    }
    expect(await asksStrict.pass({ to: right })).to.deep.equal({ to: Ref.create(right) });
    expect(await asksLax.pass({ to: right })).to.deep.equal({ to: Ref.create(right) });
    expect(received).to.have.length(1);
  });

  it('has the type of that service, also of one from another file', async () => {
    await scratch.put(
      'user/user.proto',
      `${HEAD.replace('shop', 'user')} import "shop.proto"; message M { millrace.v1.Ref a = 1 [(millrace.v1.service) = "shop.Stock"]; }`,
    );
    await scratch.generate(['user/user.proto'], { protoPath: [scratch.path] });
    const types = await scratch.read('gen/user/user.d.ts');
    expect(types)
      .to.include('readonly a: ServiceRef<Stock> | undefined;')
      .and.include('readonly a?: ServiceRefInit<Stock> | undefined;')
      .and.include("import type { Stock } from '../shop.js';");
    const type = await scratch.type('user/user.js', 'M');
    expect(() => type.create({ a: { service: 'shop.Orders' } })).to.throw(ProtocolError, 'user.M.a.service must be');
  });

  it('is checked without services, too, and has no type of one', async () => {
    await scratch.generate(['shop.proto'], { out: `${scratch.path}/gen/plain`, services: false });
    expect(await scratch.read('gen/plain/shop.d.ts'))
      .to.include('readonly stock: Ref | undefined;')
      .and.not.include('ServiceRef');
    const type = await scratch.type('plain/shop.js', 'Order');
    expect(() => type.create({ stock: { service: 'shop.Orders' } })).to.throw(ProtocolError, 'must be shop.Stock');
  });

  for (const [title, field, said] of [
    ['a service that is not known', 'millrace.v1.Ref a = 1 [(millrace.v1.service) = "Stok"];', '"Stok", which is not'],
    ['a message as the service', 'millrace.v1.Ref a = 1 [(millrace.v1.service) = "Items"];', '"Items", which is not'],
    ['a service of what is no reference', `Items a = 1 ${OPTION};`, 'for fields of millrace.v1.Ref'],
    ['a service of a text', `string a = 1 ${OPTION};`, 'for fields of millrace.v1.Ref'],
    ['a service that is no text', 'millrace.v1.Ref a = 1 [(millrace.v1.service) = Stock];', 'a string in quotes'],
  ] as const) {
    it(`is refused by the generator with ${title}`, async () => {
      await scratch.put('wrong.proto', `${PROTO}\nmessage Wrong {\n${field} }`);
      const line = PROTO.split('\n').length + 2;
      expect(await scratch.refusal(['wrong.proto']))
        .to.include(`wrong.proto:${line}`)
        .and.include(said);
    });
  }
});
