import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';

describe('the documentation', () => {
  it('has pages made from the tables of the code, and they are fresh', () => {
    execFileSync(process.execPath, ['scripts/docs.mjs', '--check'], { stdio: 'pipe' });
  });

  it('links only to what is there', () => {
    const folder = (path: string): string[] => readdirSync(path).map((name) => join(path, name));
    const pages = [...folder('.'), ...folder('docs'), ...folder('docs/decisions')].filter((path) =>
      path.endsWith('.md'),
    );
    const broken = pages.flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)]
        .map((match) => join(dirname(page), match[1] ?? ''))
        .filter((target) => !existsSync(target))
        .map((target) => `${page} -> ${target}`),
    );
    expect(broken).to.deep.equal([]);
  });

  it('gives the reason for each dependency', () => {
    const manifest: unknown = JSON.parse(readFileSync('package.json', 'utf8'));
    const reasons = readFileSync('CONTRIBUTING.md', 'utf8');
    expect(namesIn(manifest).filter((name) => !reasons.includes(`\`${name}\``))).to.deep.equal([]);
  });
});

function namesIn(manifest: unknown): string[] {
  if (typeof manifest !== 'object' || manifest === null) return [];
  const record: Record<string, unknown> = { ...manifest };
  return ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) => Object.keys(record[kind] ?? {}));
}
