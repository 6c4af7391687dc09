import { expect } from 'chai';
import { complaintsOfProtoc, needsProtoc } from '../../codegen/protoc.js';
import { type Case, sourcesOf } from './protoc-case.js';
import { cases } from './protoc-cases.js';
import { Scratch } from '../../codegen/scratch.js';

describe('the generator and protoc', () => {
  let scratch: Scratch;

  beforeEach(async () => {
    scratch = await Scratch.make();
  });
  afterEach(() => scratch.remove());

  for (const one of cases) {
    const { title, verdict } = one;
    it(`agree: ${verdict} is ${title}`, async function () {
      await putAll(one);
      await (verdict === 'refused' ? refuses(one) : scratch.generate(['a.proto']));
      if (one.isNewer === true) return;
      needsProtoc(this);
      const complaints = complaintsOfProtoc(scratch.path, 'a.proto');
      if (verdict === 'refused') expect(complaints).to.not.equal('');
      else expect(complaints).to.equal('');
    });
  }

  async function putAll(one: Case): Promise<void> {
    for (const [path, source] of Object.entries(sourcesOf(one))) await scratch.put(path, source);
  }

  /** Every refusal names a file and a line. */
  async function refuses({ said = [] }: Case): Promise<void> {
    const message = await scratch.refusal(['a.proto']);
    expect(message).to.match(/^\S+\.proto:\d+: /);
    for (const text of said) expect(message).to.include(text);
    expect(await scratch.files()).to.satisfy((files: readonly string[]) =>
      files.every((file) => file.endsWith('.proto')),
    );
  }
});
