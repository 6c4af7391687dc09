import { expect } from 'chai';
import { type PipelineArgument, pipeline } from '#src/actors/runtime/index.js';
import { ConfigError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { closeAfterEach, Cluster } from './harness.js';
import { Row } from './row.js';

interface Args {
  readonly input: string;
  readonly maxRows?: number;
  readonly dry?: boolean;
}

describe('a pipeline that declares its arguments', () => {
  closeAfterEach();
  const seen: unknown[] = [];
  const declared = pipeline<Args>(
    'declared',
    undefined,
    (p, args) => {
      seen.push(args);
      p.sink(
        'sink',
        p.source('source', Row, () => {}),
        async (input) => {
          for await (const _row of input);
        },
      );
    },
    {
      args: {
        input: { required: true, help: 'what is read' },
        maxRows: { type: 'number', default: 10, help: 'rows at most' },
        dry: { type: 'flag', help: 'write nothing' },
      },
    },
  );
  /** Calls what the compiler refuses, as a user of JavaScript may. */
  const untyped = (args: unknown): { readonly args: Args } => ({ args: args as Args });

  it('gets those of code with the defaults of the others', async () => {
    const runtime = await new Cluster().start();
    await (await runtime.run(declared, { args: { input: 'f' } })).done;
    expect(seen.at(-1)).to.deep.equal({ input: 'f', maxRows: 10 });
  });

  const refused: readonly (readonly [args: unknown, message: RegExp])[] = [
    [{ inptu: 'f' }, /no argument --inptu. Did you mean --input\?/],
    [{ input: 5 }, /"input" .* is a text; got number/],
    [{ input: 'f', maxRows: '5' }, /"maxRows" .* is a number; got string/],
    [{ input: 'f', dry: 'yes' }, /"dry" .* is a flag; got string/],
    [{}, /needs the argument --input/],
    [undefined, /needs the argument --input/],
  ];
  for (const [args, message] of refused) {
    it(`is not run by code with ${JSON.stringify(args)}`, async () => {
      const runtime = await new Cluster().start();
      const error = await rejection(runtime.run(declared, untyped(args)));
      expect(error).to.be.instanceOf(ConfigError);
      expect(String(error)).to.match(message);
    });
  }

  it('has to declare every argument that its function takes, and no other', () => {
    const [input, other] = [{ help: 'what is read' }, { help: 'something else' }];
    // @ts-expect-error: `dry` and `maxRows` are missing.
    pipeline<Args>('few', undefined, () => {}, { args: { input } });
    // @ts-expect-error: there is no `other`.
    pipeline<{ readonly input: string }>('more', undefined, () => {}, { args: { input, other } });
  });

  const wrong: readonly (readonly [name: string, argument: PipelineArgument, message: string])[] = [
    ['max-rows', { help: '' }, 'needs a name'],
    ['rows', { type: 'number', default: 'many', help: '' }, 'is a number, and its default is not'],
    ['rows', JSON.parse('{}') as PipelineArgument, 'needs a help'],
    ['rows', { required: true, default: '5', help: '' }, 'is required'],
  ];
  for (const [name, argument, message] of wrong) {
    it(`is a ConfigError where "${name}" is ${JSON.stringify(argument)}`, () => {
      expect(() =>
        pipeline<Record<string, string>>('wrong', undefined, () => {}, { args: { [name]: argument } }),
      ).to.throw(ConfigError, message);
    });
  }
});
