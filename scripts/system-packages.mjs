// The Debian packages that tests use. Root with apt gets those that are missing installed; anyone else is told the one command. No
// test fails without them: what needs one is pending, and names it. SETUP_APT=off leaves the system as it is.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process, { env, platform } from 'node:process';

/**
 * `library`, `file` or `command`: what shows that the package is there, whoever brought it. `isForSlow`: only slow tests use it. `isServer`: its installation may start
 * a server, so that nobody gets it unasked: SETUP_SERVERS=on asks for it.
 */
const packages = [
  { name: 'libhwloc15', library: 'libhwloc.so.15' },
  { name: 'libucx0', library: 'libucp.so.0' },
  { name: 'libucx-dev', file: '/usr/include/ucp/api/ucp.h' },
  { name: 'gcc', command: 'cc' },
  { name: 'libc6-dev', file: '/usr/include/stdio.h' },
  { name: 'curl', command: 'curl' },
  { name: 'iproute2', command: 'ip' },
  { name: 'protobuf-compiler', command: 'protoc' },
  { name: 'nats-server', command: 'nats-server' },
  { name: 'chromium-headless-shell', command: 'chromium-headless-shell', isForSlow: true },
  { name: 'gcc-aarch64-linux-gnu', command: 'aarch64-linux-gnu-gcc', isForSlow: true },
  { name: 'libc6-dev-arm64-cross', file: '/usr/aarch64-linux-gnu/include/stdio.h', isForSlow: true },
  { name: 'musl-tools', command: 'musl-gcc', isForSlow: true },
  { name: 'qemu-user', command: 'qemu-aarch64', isForSlow: true },
  { name: 'openssh-server', file: '/usr/sbin/sshd', isForSlow: true, isServer: true },
  { name: 'munge', file: '/usr/sbin/munged', isForSlow: true, isServer: true },
  { name: 'slurmctld', file: '/usr/sbin/slurmctld', isForSlow: true, isServer: true },
  { name: 'slurmd', file: '/usr/sbin/slurmd', isForSlow: true, isServer: true },
  { name: 'slurm-client', command: 'srun', isForSlow: true, isServer: true },
  { name: 'libprotobuf-dev', file: '/usr/include/google/protobuf/descriptor.proto' },
];

/** How long another apt may hold a lock. */
const LOCK_WAIT_S = 60;
const POLL_MS = 500;
/** How long a server may be silent. */
const SERVER_WAIT_S = 20;
/** How long a download may take. The installation itself has no limit, because dpkg must not be interrupted. */
const DOWNLOAD_LIMIT_MS = 300_000;

/** Installs what is missing, or says how to. It always returns, because tests do without. */
export function installSystemPackages(print, { withSlow }) {
  if (env.SETUP_APT === 'off' || platform !== 'linux') return;
  const names = missingPackages(withSlow);
  if (names.length === 0) return;
  const list = names.join(' ');
  const pending = 'the tests that need them are pending';
  const advice = `apt-get update && apt-get install -y --no-install-recommends ${list}`;
  if (!isCommand('apt-get')) return print(`setup: missing are ${list} (their Debian names); ${pending}.`);
  if (process.getuid() !== 0) return print(`setup: missing are ${list}; ${pending}. As root: ${advice}`);
  print(`setup: installing Debian packages that tests use (SETUP_APT=off prevents it): ${list}`);
  const startedAt = Date.now();
  const problem = install(names);
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  if (problem === undefined) print(`setup: Debian packages installed in ${seconds} s`);
  else print(`setup: apt-get failed after ${seconds} s (${problem}); ${pending}. By hand: ${advice}`);
}

/** Which packages are not there. */
function missingPackages(withSlow) {
  const { stdout } = spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
  const has = ({ library, file, command }) =>
    library !== undefined ? stdout?.includes(library) : file !== undefined ? existsSync(file) : isCommand(command);
  const isWanted = ({ isForSlow, isServer }) => (withSlow || !isForSlow) && (!isServer || env.SETUP_SERVERS === 'on');
  return packages.filter((each) => isWanted(each) && !has(each)).map(({ name }) => name);
}

function isCommand(name) {
  return (env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What went wrong, or undefined. */
function install(names) {
  const patience = [
    `-oDPkg::Lock::Timeout=${LOCK_WAIT_S}`,
    `-oAcquire::http::Timeout=${SERVER_WAIT_S}`,
    `-oAcquire::https::Timeout=${SERVER_WAIT_S}`,
    '-oAcquire::Retries=1',
  ];
  const packagesOnly = ['install', '-y', '-qq', '--no-install-recommends', ...names];
  return (
    update(['-oAPT::Update::Error-Mode=any', ...patience, 'update', '-qq']) ??
    complaint(aptGet([...patience, '--download-only', ...packagesOnly], DOWNLOAD_LIMIT_MS)) ??
    complaint(aptGet([...patience, ...packagesOnly]))
  );
}

/** apt does not wait for the lock of its lists by itself. */
function update(args) {
  const giveUpAt = Date.now() + LOCK_WAIT_S * 1000;
  for (;;) {
    const said = complaint(aptGet(args, DOWNLOAD_LIMIT_MS));
    if (said === undefined || !said.includes('/lock') || Date.now() >= giveUpAt) return said;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
}

function complaint({ ok, output }) {
  if (ok) return undefined;
  const lines = output.split('\n').filter((line) => line !== '');
  return (lines.find((line) => line.startsWith('E: ')) ?? lines.at(-1) ?? 'it said nothing').replace(/^E: /, '');
}

function aptGet(args, timeout) {
  const child = spawnSync('apt-get', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    timeout,
  });
  const output = child.error?.message ?? `${child.stderr}${child.stdout}`;
  return { ok: child.status === 0, output };
}
