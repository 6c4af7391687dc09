import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect } from 'chai';
import { repository } from './everything.js';
import { complaintsOfProtoc, needsProtoc } from './protoc.js';
import { Scratch } from './scratch.js';

const FOLDERS = [
  'bench/protos',
  'examples/flights/protos',
  'examples/service/protos',
  'examples/tiles/protos',
  'test/codegen/fixtures',
];
const PAGES = ['README.md', ...readdirSync(join(repository, 'docs')).map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith('.md'),
);

describe('protoc accepts', () => {
  let scratch: Scratch;

  before(async function () {
    needsProtoc(this);
    scratch = await Scratch.make();
  });
  after(() => scratch?.remove());

  for (const name of readdirSync(join(repository, 'protos/millrace/v1'))) {
    it(`millrace/v1/${name}, which Millrace ships`, () => {
      expect(complaintsOfProtoc(scratch.path, `millrace/v1/${name}`)).to.equal('');
    });
  }

  for (const name of readdirSync(join(repository, 'protos/google/protobuf'))) {
    it(`google/protobuf/${name}, which Millrace ships`, () => {
      expect(complaintsOfProtoc(join(repository, 'protos'), `google/protobuf/${name}`)).to.equal('');
    });
  }

  for (const file of FOLDERS.flatMap(protosIn)) {
    it(file, () => {
      expect(complaintsOfProtoc(join(repository, dirname(file)), basename(file))).to.equal('');
    });
  }

  for (const page of PAGES) {
    for (const [index, text] of protosOf(page).entries()) {
      it(`protocol ${index + 1} of ${page}`, async () => {
        await scratch.put('page.proto', text);
        expect(complaintsOfProtoc(scratch.path, 'page.proto')).to.equal('');
      });
    }
  }

  it('every protocol of the README and of the pages that begin with one', () => {
    for (const page of ['README.md', 'docs/first-actor.md', 'docs/embedding.md', 'docs/clusters.md']) {
      expect(protosOf(page), page).to.have.lengthOf(1);
    }
  });
});

function protosIn(folder: string): readonly string[] {
  return readdirSync(join(repository, folder))
    .filter((name) => name.endsWith('.proto'))
    .map((name) => `${folder}/${name}`);
}

/** The whole .proto files in a page; others are fragments. */
function protosOf(page: string): readonly string[] {
  const text = readFileSync(join(repository, page), 'utf8');
  const blocks = [...text.matchAll(/^```proto[^\n]*\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  return blocks.filter((block) => /^syntax = /m.test(block));
}
