import { expect } from 'chai';
import { Scratch } from './scratch.js';

const P3 = 'syntax = "proto3"; ';

describe('imports by path:', () => {
  let scratch: Scratch;

  beforeEach(async () => {
    scratch = await Scratch.make();
  });
  afterEach(() => scratch.remove());

  for (const path of [
    '../c.proto',
    './c.proto',
    'a//c.proto',
    'a/../c.proto',
    '/c.proto',
    'a\\\\c.proto',
    'c.proto/',
    '',
    'c\\n.proto',
  ]) {
    it(`"${path}" is refused, by file and line`, async () => {
      await scratch.put('c.proto', `${P3} message C {}`);
      await scratch.put('in/a/c.proto', `${P3} message C {}`);
      await scratch.put('in/m.proto', `${P3}\nimport "${path}";\nmessage M { C c = 1; }`);
      expect(await scratch.refusal(['in/m.proto'])).to.match(/^m\.proto:2: import .* is no path below the proto path/);
      expect(await scratch.files()).to.deep.equal(['c.proto', 'in/a/c.proto', 'in/m.proto']);
    });
  }

  it('imports that make a circle are refused with the circle', async () => {
    await scratch.put('a.proto', `${P3} import "b.proto"; message A {}`);
    await scratch.put('b.proto', `${P3}\nimport "c.proto"; message B {}`);
    await scratch.put('c.proto', `${P3}\n\nimport "b.proto"; message C {}`);
    expect(await scratch.refusal(['a.proto'])).to.match(
      /^c\.proto:3: .*b\.proto, which imports c\.proto, which imports b\.proto/,
    );
    await scratch.put('self.proto', `${P3} import "self.proto";`);
    expect(await scratch.refusal(['self.proto'])).to.include('circle');
  });

  it('two files that would become one module are refused, both named', async () => {
    await scratch.put('a/x.proto', `${P3} package a; message A {}`);
    await scratch.put('b/x.proto', `${P3} package b; message B {}`);
    const said = await scratch.refusal(['a/x.proto', 'b/x.proto']);
    expect(said).to.include('a/x.proto').and.include('b/x.proto').and.include('--proto-path');
    await scratch.generate(['a/x.proto', 'b/x.proto'], { protoPath: [scratch.path] });
    expect(await scratch.files('gen')).to.have.length(4);
    await scratch.put('Shop.proto', `${P3} package c; message C {}`);
    await scratch.put('shop.proto', `${P3} package d; message D {}`);
    expect(await scratch.refusal(['Shop.proto', 'shop.proto'])).to.include('Shop.proto and shop.proto');
    await scratch.put('plain', `${P3} package e; message E {}`);
    await scratch.put('plain.proto', `${P3} package f; message F {}`);
    expect(await scratch.refusal(['plain', 'plain.proto'])).to.include('plain and plain.proto');
  });

  it('a file that another one below the proto path hides is refused, both named', async () => {
    await scratch.put('a/x.proto', `${P3} message A {}`);
    await scratch.put('b/x.proto', `${P3} message B {}`);
    const protoPath = ['a', 'b'].map((name) => `${scratch.path}/${name}`);
    const said = await scratch.refusal(['b/x.proto'], { protoPath });
    expect(said).to.include('a/x.proto').and.include('b/x.proto');
  });

  it('one file under two paths is refused, both named', async () => {
    await scratch.put('in/x.proto', `${P3} message X {}`);
    await scratch.put('y.proto', `${P3} import "x.proto"; import "in/x.proto"; message Y { X x = 1; }`);
    const protoPath = ['', '/in'].map((name) => scratch.path + name);
    expect(await scratch.refusal(['y.proto'], { protoPath }))
      .to.include('x.proto:1')
      .and.include('in/x.proto:1');
  });

  for (const name of [
    "it's",
    'c#',
    'a b',
    '%41',
    'a?b',
    'a"b',
    'a$&b',
    'é',
    '..hidden',
    'a.b',
    'node:fs',
    '`${x}`',
    'x.d',
    'a;b',
    '*',
  ]) {
    it(`a file called ${name}.proto can be imported and generated, as either kind of module`, async () => {
      await scratch.put(`${name}.proto`, `${P3} package far; message Far { int32 a = 1; }`);
      const path = name.replaceAll('"', '\\"');
      await scratch.put('near.proto', `${P3} import "${path}.proto"; message Near { far.Far far = 1; }`);
      for (const module of ['esm', 'commonjs'] as const) {
        await scratch.put(`gen-${module}/package.json`, module === 'esm' ? '{ "type": "module" }' : '{}');
        await scratch.generate(['near.proto', `${name}.proto`], { module, out: `${scratch.path}/gen-${module}` });
        const { Near } = (await scratch.load(`../gen-${module}/near.js`)) as {
          Near: { create(init: object): unknown };
        };
        expect(Near.create({ far: {} })).to.deep.equal({ far: { a: 0 } });
      }
      expect(await scratch.files('gen-esm')).to.have.members([
        `${name}.d.ts`,
        `${name}.js`,
        'near.d.ts',
        'near.js',
        'package.json',
      ]);
    });
  }
});
