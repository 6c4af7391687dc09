import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { platform } from 'node:process';
import { expect } from 'chai';
import semver from 'semver';

interface Package {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly engines?: { readonly node?: string };
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function packages(file = 'package-lock.json'): readonly (readonly [path: string, about: Package])[] {
  const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Package> };
  return Object.entries(lock.packages);
}

describe('package-lock.json', () => {
  it('agrees with package.json, so that npm ci works', function () {
    this.timeout(120_000);
    const npm = platform === 'win32' ? 'npm.cmd' : 'npm';
    const args = ['ci', '--dry-run', '--offline', '--ignore-scripts', '--no-audit', '--no-fund'];
    const { status, stderr } = spawnSync(npm, args, { encoding: 'utf8', shell: platform === 'win32' });
    expect(status, stderr).to.equal(0);
  });

  it('has the packages of every platform', () => {
    const paths = new Set(packages().map(([path]) => path));
    const missing = packages().flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !paths.has(`node_modules/${name}`) && !paths.has(`${path}/node_modules/${name}`))
        .map((name) => `${name}, of ${path}`),
    );
    expect(missing).to.deep.equal([]);
  });

  it('has no package that needs a newer Node than Millrace', () => {
    const ours = packages().find(([path]) => path === '')?.[1].engines?.node ?? '';
    const oldest = semver.minVersion(ours)?.version ?? '';
    expect(oldest).to.match(/^\d+\.\d+\.0$/);
    const newer = packages()
      .map(([path, { engines }]) => ({ path, node: engines?.node ?? '*' }))
      .filter(({ node }) => !semver.satisfies(oldest, node));
    expect(newer).to.deep.equal([]);
  });
});

describe('npm install millrace', () => {
  it('installs at most 40 packages', () => {
    const installed = new Map(packages('node_modules/.package-lock.json'));
    const found = new Set<string>();
    const visit = ({ dependencies = {}, optionalDependencies = {} }: Package, path: string): void => {
      for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
        const [place] = [`${path}/node_modules/${name}`, `node_modules/${name}`].filter((each) => installed.has(each));
        const about = place === undefined ? undefined : installed.get(place);
        // Packages of other platforms are not installed.
        if (place === undefined || about === undefined || found.has(place)) continue;
        found.add(place);
        visit(about, place);
      }
    };
    visit(JSON.parse(readFileSync('package.json', 'utf8')) as Package, '');
    expect([...found])
      .to.include('node_modules/koffi')
      .and.have.length.within(3, 40 - 1);
  });
});
