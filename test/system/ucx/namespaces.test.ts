import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { ExternalTransports } from '#src/actors/runtime/external-transports.js';
import { silentLogger } from '#src/logging/index.js';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import type { Transport } from '#src/transport/index.js';
import { describeWithUcx } from '../../transport/ucx/available.js';
import { pendingBecause } from '../../support/pending.js';

const PROGRAM = fileURLToPath(new URL('caller-process.js', import.meta.url));
const run = promisify(execFile);

/** A shell with little memory to share. */
const small = (size: string): string[] => [
  '--mount',
  'sh',
  '-c',
  `mount -t tmpfs -o size=${size} tmpfs /dev/shm && exec "$@"`,
  'sh',
];

describeWithUcx('a process in a namespace of its own', () => {
  let transport: Transport;
  let address = '';

  before(function () {
    if (spawnSync('unshare', ['--mount', '--ipc', 'true']).status !== 0)
      pendingBecause(this, 'only root can make namespaces');
  });
  beforeEach(async () => {
    const external = await ExternalTransports.open({ net: {}, scheduler: new RealScheduler(), log: silentLogger });
    transport = external.transport(0);
    address = await transport.listen((link) => {
      const frame = (_lane: Lane, { length }: Uint8Array): void => {
        const buffer = link.acquire(Lane.data, length);
        if (buffer !== undefined) link.send(Lane.data, buffer, length);
        transport.flush();
      };
      link.setHandlers({ frame, writable: () => {}, closed: () => {} });
    });
  });
  afterEach(() => transport.close());

  for (const [where, namespace, carrier] of [
    ['in another IPC namespace', ['--ipc'], 'net unix'],
    ['in another PID namespace', ['--pid', '--fork', '--mount-proc'], 'net unix'],
    ['with no room at /dev/shm', small('64k'), 'net unix'],
    ['with room for half a link at /dev/shm', small('3m'), 'net unix'],
    ['with a /dev/shm of its own', small('16m'), 'ucx posix'],
  ] as const) {
    it(`is reached by ${carrier}, ${where}`, async () => {
      const { stdout } = await run('unshare', [...namespace, process.execPath, PROGRAM, address]);
      expect(stdout).to.equal(carrier);
    });
  }
});
