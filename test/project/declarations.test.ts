import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect } from 'chai';

const OF_NODE = /from '(node:[^']+)'|import\('(node:[^']+)'\)|\b(NodeJS\.\w+)|<reference (types="node")/;
const IMPORTED = /(?:from|import) ?\(?'(\.[^']+)'/g;
/** Entry points that are made for another package, or for a server of Node, whose own types may need those of Node. */
const FOR_ANOTHER_PACKAGE = [
  './nact',
  './nact/level',
  './persistence/level',
  './prometheus',
  './opentelemetry',
  './dashboard',
];

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly exports: Readonly<
    Record<string, string | Readonly<Record<'import' | 'require', { readonly types: string }>>>
  >;
};
const everyEntryPoint = Object.entries(manifest.exports).flatMap(([name, target]) =>
  typeof target === 'string'
    ? []
    : (['import', 'require'] as const).map((kind) => ({ name, kind, types: normalize(target[kind].types) })),
);
const entryPoints = everyEntryPoint.filter(({ name }) => !FOR_ANOTHER_PACKAGE.includes(name));

/** The declaration files that the compiler reads for `entry`, each with its text. */
function declarationsOf(entry: string): ReadonlyMap<string, string> {
  const read = new Map<string, string>();
  const wanted = [entry];
  for (let path = wanted.pop(); path !== undefined; path = wanted.pop()) {
    if (read.has(path)) continue;
    const text = readFileSync(path, 'utf8');
    read.set(path, text);
    for (const [, target = ''] of text.matchAll(IMPORTED)) {
      const declaration = join(dirname(path), target.replace(/\.(c?)js$/, '.d.$1ts'));
      if (existsSync(declaration)) wanted.push(declaration);
    }
  }
  return read;
}

/** A package that these types need, and that the compiler may not find, or not load with `require`. */
const OF_PACKAGE = /(?:from|import) ?\(?'((?!node:)[^.'][^']*)'/;

/** The type of a constant: TypeScript refuses it where a project's target is older than ES2020, as with `tsc --init` of older compilers. */
const BIGINT_LITERAL = /\b\d+n\b/;

/** A second argument of a type that has one parameter in TypeScript 5.4. */
const SECOND_ARGUMENT = /\b(?:Async)?Iterable(?:Iterator)?<(?:[^<>[\](){},]|\[[^\]]*\]|\([^)]*\)|\{[^}]*\}|<[^<>]*>)*,/;
/** Types that TypeScript 5.4 lacks. */
const NEWER_TYPE =
  /\b(?:(?:Async)?IteratorObject|BuiltinIteratorReturn|(?:Map|Set|Array|String|RegExpString)Iterator)\b/;
/** An argument of a type that has parameters only since TypeScript 5.7. */
const FIRST_ARGUMENT = /\b(?:\w+Array|ArrayBufferView|DataView)<(?:Shared)?ArrayBuffer/;

describe('the types of the package', () => {
  it('use only types of the library that TypeScript 5.4 has', () => {
    const declarations = new Map(everyEntryPoint.flatMap(({ types }) => [...declarationsOf(types)]));
    const newer = [...declarations].flatMap(([path, text]) => {
      const found = SECOND_ARGUMENT.exec(text) ?? NEWER_TYPE.exec(text) ?? FIRST_ARGUMENT.exec(text);
      return found === null ? [] : [`${path}: ${found[0]}`];
    });
    expect(newer).to.deep.equal([]);
    expect(declarations.size).to.be.greaterThan(50);
  });

  for (const { name, kind, types } of entryPoints) {
    it(`need no types of Node for ${name}, where it is loaded with ${kind}`, () => {
      const declarations = declarationsOf(types);
      const ofNode = [...declarations].flatMap(([path, text]) => {
        const found = OF_NODE.exec(text.replaceAll(/\/\*[^]*?\*\//g, ''));
        return found === null ? [] : [`${path}: ${found[0]}`];
      });
      expect(ofNode).to.deep.equal([]);
      const ofPackages = [...declarations].flatMap(([path, text]) => {
        const found = OF_PACKAGE.exec(text.replaceAll(/\/\*[^]*?\*\//g, ''));
        return found === null ? [] : [`${path}: ${found[0]}`];
      });
      expect(ofPackages).to.deep.equal([]);
      const literal = [...declarations].filter(([, text]) =>
        BIGINT_LITERAL.test(text.replaceAll(/\/\*[^]*?\*\//g, '')),
      );
      expect(
        literal.map(([path]) => path),
        'write `: bigint` to the constant',
      ).to.deep.equal([]);
      if (name === '.') expect(declarations.size).to.be.greaterThan(50);
    });
  }
});
