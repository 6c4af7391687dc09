// Brings a checkout into the state that the other scripts expect: the right Node, and the npm packages that package-lock.json names.
// `--tests` also brings the Debian packages that tests use, and `--slow-tests` those of the slow ones, too. It runs before everything else, so it
// may import no npm package.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv, execPath, exit, platform, versions } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installSystemPackages } from './system-packages.mjs';

/** `{ action: 'none' | 'install', reason }` for npm packages; compares contents, so that touching a file costs nothing. */
export function decidePackages(root) {
  const installedPath = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(join(root, 'node_modules'))) return { action: 'install', reason: 'node_modules is missing' };
  // npm writes this file last: without it an installation was interrupted.
  if (!existsSync(installedPath)) return { action: 'install', reason: 'node_modules is incomplete' };
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(installedPath);
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/')) continue;
    const found = installed[path];
    // Packages for other platforms are in the lockfile, but never installed here.
    if (found === undefined && entry.optional) continue;
    if (found?.version !== entry.version || found?.integrity !== entry.integrity || found?.link !== entry.link) {
      return { action: 'install', reason: `${path} differs from package-lock.json` };
    }
  }
  return { action: 'none', reason: 'all packages are there' };
}

/** The complaint about this Node, or undefined when `version` is at least the `engines.node` of package.json. */
export function complainAboutNode(root, version) {
  const needed = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace('>=', '');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [neededMajor = 0, neededMinor = 0] = needed.split('.').map(Number);
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return undefined;
  return `Millrace needs Node ${needed} or later; this is ${version}. Install a newer one from https://nodejs.org.`;
}

/** Does what is missing. Returns false when it could not; all it has to say goes to `print`. */
export function setUp(root, { version = versions.node, run = runNpm, print = console.error } = {}) {
  const complaint = complainAboutNode(root, version);
  if (complaint !== undefined) {
    print(`setup: ${complaint}`);
    return false;
  }
  const { action, reason } = decidePackages(root);
  if (action === 'none') {
    linkSelf(root);
    return true;
  }
  print(`setup: ${reason}; running npm ci`);
  const startedAt = Date.now();
  const problem = run(root);
  if (problem === undefined) {
    linkSelf(root);
    print(`setup: npm packages installed in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
    return true;
  }
  print(
    `setup: npm ci failed (${problem}). Its own message is above. The usual causes: no network or a proxy that npm does ` +
      'not know (npm config get registry), or package.json changed without its lockfile (run npm install). Then start again.',
  );
  return false;
}

/** The examples import 'millrace' as any user does, and `npx millrace` runs this checkout: it is a package of its own. */
function linkSelf(root) {
  const link = join(root, 'node_modules', 'millrace');
  if (!existsSync(join(root, 'node_modules')) || existsSync(link)) return;
  symlinkSync('..', link, 'dir');
  const command = join(root, 'node_modules', '.bin', 'millrace');
  if (
    platform !== 'win32' &&
    existsSync(dirname(command)) &&
    lstatSync(command, { throwIfNoEntry: false }) === undefined
  ) {
    symlinkSync('../millrace/dist/cli/millrace.js', command);
  }
}

function readPackages(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
}

/** What went wrong, or undefined. */
function runNpm(root) {
  // The npm that belongs to this Node where npm started us, otherwise the first on the path.
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('.js') ? [execPath, [npm]] : [platform === 'win32' ? 'npm.cmd' : 'npm', []];
  const child = spawnSync(command, [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: platform === 'win32' && first.length === 0,
  });
  if (child.error !== undefined) return child.error.message;
  if (child.signal !== null) return `ended by ${child.signal}`;
  return child.status === 0 ? undefined : `exit code ${child.status}`;
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  if (!setUp(dirname(dirname(fileURLToPath(import.meta.url))))) exit(1);
  const withSlow = argv.includes('--slow-tests');
  if (withSlow || argv.includes('--tests')) installSystemPackages(console.error, { withSlow });
}
