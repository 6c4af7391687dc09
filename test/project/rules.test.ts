import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect } from 'chai';

/** A small tree with the rules of the real one, and its packages. Lies outside, because what git ignores is not linted. */
function withTree(files: Readonly<Record<string, string>>, check: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-rules-'));
  try {
    for (const name of [
      '.oxlintrc.json',
      '.dependency-cruiser.cjs',
      'package.json',
      'tsconfig.json',
      'tsconfig.base.json',
    ]) {
      cpSync(name, join(folder, name));
    }
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    check(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(folder: string, program: string, ...args: string[]): string {
  const child = spawnSync(process.execPath, [resolve('node_modules', program), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return child.stdout + child.stderr;
}

const cruise = (folder: string): string =>
  run(folder, 'dependency-cruiser/bin/dependency-cruise.mjs', 'src', '--output-type', 'err');
const lint = (folder: string): string => run(folder, 'oxlint/bin/oxlint', '--type-aware', '--format', 'unix', 'src');

describe('the dependency rule', function () {
  this.timeout(120_000);

  it('accepts arrows that point down, and names each that does not', () => {
    const files = {
      'src/errors.ts': 'export const base = 1;\n',
      'src/ids/index.ts':
        "import { base } from '../errors.js';\nexport const id = base;\nexport { inner } from './inner.js';\n",
      'src/ids/inner.ts': 'export const inner = 2;\nexport type Inner = number;\n',
      'src/actors/kernel/index.ts': "export { id } from '../../ids/index.js';\n",
      'src/transport/index.ts': "export { id } from '../ids/index.js';\n",
      'src/transport/sideways.ts': "export { id } from '../actors/kernel/index.js';\n",
      'src/transport/deep.ts': "import { inner } from '../ids/inner.js';\nexport const deep = inner;\n",
      'src/ids/upwards.ts': "import type { id } from '../transport/index.js';\nexport type Up = typeof id;\n",
      'src/ids/tested.ts': "export { expect } from 'chai';\n",
      'src/ids/logged.ts': "import winston from 'winston';\nexport const log = winston;\n",
      'src/transport/tests.ts': "export { wrong } from '../../test/wrong.js';\n",
      'src/attic/index.ts': "export { base } from '../errors.js';\n",
      'test/wrong.ts': 'export const wrong = 3;\n',
    };
    withTree(files, (folder) => {
      const report = cruise(folder);
      const violations = [...report.matchAll(/error ([\w-]+): (\S+)/g)].map((match) => `${match[1]} ${match[2]}`);
      expect(violations.toSorted(), report).to.deep.equal([
        'a-room-that-no-arrow-names src/attic/index.ts',
        'arrow-from-ids src/ids/upwards.ts',
        'arrow-from-transport src/transport/sideways.ts',
        'no-development-dependencies src/ids/tested.ts',
        'only-through-index src/transport/deep.ts',
        'src-stands-alone src/transport/tests.ts',
        'winston-has-one-owner src/ids/logged.ts',
      ]);
    });
  });
});

describe('the lint rules', function () {
  this.timeout(120_000);

  const forbidden = [
    'export const value = Date.now();',
    'export const value = new Date();',
    'export const value = performance.now();',
    'export const value = setTimeout(() => undefined, 1);',
    'export const value = setInterval(() => undefined, 1);',
    'export const value = setImmediate(() => undefined);',
    'export const value = globalThis.setTimeout;',
    'process.nextTick(() => undefined);',
    "import process from 'node:process';\nprocess.nextTick(() => undefined);",
    'queueMicrotask(() => undefined);',
    'export const value = process.hrtime();',
    'export const value = process.hrtime.bigint();',
    'export const value = AbortSignal.timeout(1);',
    "export { setTimeout } from 'node:timers/promises';",
    "import { setTimeout } from 'timers/promises';\nexport const value = setTimeout;",
    "import { performance } from 'node:perf_hooks';\nexport const value = performance;",
    'export const value = Math.random();',
    'export const { random } = Math;',
    'export const value = crypto.randomUUID();',
    "import { randomBytes } from 'node:crypto';\nexport const value = randomBytes;",
    "import * as everything from 'node:crypto';\nexport const value = everything;",
    "import everything from 'node:crypto';\nexport const value = everything;",
  ];

  it('catch every way to a clock or to chance, but in the scheduler and the CLI', () => {
    const files = Object.fromEntries(
      ['ids', 'scheduler', 'cli'].flatMap((room) =>
        forbidden.map((code, index) => [`src/${room}/case-${String(index).padStart(2, '0')}.ts`, `${code}\n`]),
      ),
    );
    withTree(files, (folder) => {
      const report = lint(folder);
      const caught = new Set([...report.matchAll(/^(src\/\S+?):.*no-restricted/gm)].map((match) => String(match[1])));
      const expected = Object.keys(files).filter((path) => path.startsWith('src/ids/'));
      expect([...caught].toSorted(), report).to.deep.equal(expected);
    });
  });

  it('catch what types cannot vouch for, and cycles', () => {
    const files = {
      'src/ids/a.ts': 'export const value: any = 1;\n',
      'src/ids/b.ts': 'export const first = (list: number[]): number => list[0]!;\n',
      'src/ids/c.ts': 'export const parse = (text: unknown): string => text as string;\n',
      'src/ids/d.ts': 'export function start(): void {\n  Promise.resolve();\n}\n',
      'src/ids/e.ts': "export { f } from './f.js';\nexport const e = 1;\n",
      'src/ids/f.ts': "export { e } from './e.js';\nexport const f = 1;\n",
      'src/ids/g.ts': "export const table = ['a', 'b'] as const;\n",
      'src/protocol/h.ts': 'export const read = (text: unknown): string => text as string;\n',
    };
    withTree(files, (folder) => {
      const report = lint(folder);
      const caught = [...report.matchAll(/^src\/(\S+?):.*\/\w+\(([\w-]+)\)\]$/gm)].map(
        (match) => `${match[1]} ${match[2]}`,
      );
      expect(caught.toSorted(), report).to.deep.equal([
        'ids/a.ts no-explicit-any',
        'ids/b.ts no-non-null-assertion',
        'ids/c.ts consistent-type-assertions',
        'ids/d.ts no-floating-promises',
        'ids/e.ts no-cycle',
        'ids/f.ts no-cycle',
      ]);
    });
  });
});
