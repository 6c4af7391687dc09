import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ConfigError } from '../../../errors.js';
import { codeOf, messageOf } from '../../../foreign.js';
import { packageFile } from '../../../installation.js';
import { launchVariables } from '../../../options/index.js';
import type { v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import type { NodeIdentity, Output } from '../node/node-system.js';
import type { StartedProcess } from '../node/processes.js';
import type { RunStart } from './role-start.js';

/** Time in ms for the last output of a process to arrive: what it has started may hold its pipes open for ever. */
const LAST_OUTPUT_MS = 500;

export interface ManagedStart {
  readonly spec: v1.ProcessToStart;
  readonly identity: NodeIdentity;
  readonly output: Output;
  readonly scheduler: Scheduler;
  readonly start: RunStart & { readonly node: string };
  /** Of the node. */
  readonly folder: string;
  /** Processors of the node. */
  readonly cpus: number;
}

/**
 * Starts a process of the application: a Node program with the launch parameters in its environment. It has a process group of its own, and
 * a pipe by which it notices the end of this process. Its output goes to `output`, chunk by chunk: while one is under way, it is not read on.
 */
export function startManaged(options: ManagedStart): StartedProcess {
  const { spec, output, scheduler, start } = options;
  const preload = pathToFileURL(packageFile('dist/actors/services/programs/managed.js', 'Processes of a run load it.'));
  const module = fileURLToPath(spec.module);
  if (!existsSync(module))
    throw new ConfigError(`${start.node} has no file ${module}: install the program on every host.`);
  const child = spawn(process.execPath, ['--import', preload.href, module, ...spec.arguments], {
    cwd: existsSync(spec.folder) ? spec.folder : undefined,
    env: { ...process.env, ...environmentOf(options) },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) {
    child.on('error', () => {});
    throw new ConfigError(
      `Process "${spec.name}" could not be started: does ${start.node} lack memory or descriptors?`,
    );
  }
  const streams = [child.stdout, child.stderr].flatMap((stream, index) =>
    stream === null ? [] : [forwarded(stream, index === 1, spec, output)],
  );
  return {
    pid,
    ended: endOf(child, pid, streams, scheduler),
    signal: (name) => signal(child, pid, name),
  };
}

function environmentOf({ spec, identity, start, folder, cpus }: ManagedStart): Readonly<Record<string, string>> {
  const { globalServices, index, nodes, address } = identity;
  const isUnix = start.listen.startsWith('unix:');
  return {
    ...allocated(cpus),
    ...start.environment,
    ...Object.fromEntries(spec.environment.map(({ name, value }) => [name, value])),
    MILLRACE_NODE_NAME: start.node,
    MILLRACE_CONTROL_PLANE: globalServices?.controlPlane ?? 'none',
    MILLRACE_LISTEN: isUnix ? 'unix:' : start.listen,
    ...(start.advertisedHost !== '' && { MILLRACE_ADVERTISED_HOST: start.advertisedHost }),
    MILLRACE_CLUSTER_KEY_FILE: join(folder, 'cluster.key'),
    MILLRACE_KEYLESS: 'nowhere',
    ...launchVariables({
      run: start.run,
      runFolder: folder,
      pUid: String(spec.pUid),
      processName: spec.name,
      nodeIndex: index,
      nodes,
      globalServices: globalServices?.address ?? 'none',
      nodeAddress: address,
    }),
  };
}

/** One partition for each processor of the node, unless a user has said otherwise. */
function allocated(cpus: number): Readonly<Record<string, string>> {
  if (cpus === 1 || process.env['MILLRACE_PARTITIONS'] !== undefined) return {};
  return { MILLRACE_PARTITIONS: String(cpus), MILLRACE_PLACEMENT: process.env['MILLRACE_PLACEMENT'] ?? 'thread' };
}

/** Resolves when the stream has ended and everything was taken. */
function forwarded(from: Readable, isError: boolean, { pUid, name }: v1.ProcessToStart, output: Output): Promise<void> {
  return new Promise((resolve) => {
    let isTaking = false;
    let hasEnded = false;
    from.on('data', (text: Buffer) => {
      isTaking = true;
      from.pause();
      void output({ pUid, process: name, isError, text }).finally(() => {
        isTaking = false;
        if (hasEnded) resolve();
        else from.resume();
      });
    });
    from.on('error', () => {});
    from.on('close', () => {
      hasEnded = true;
      if (!isTaking) resolve();
    });
  });
}

function endOf(
  child: ChildProcess,
  pid: number,
  streams: readonly Promise<void>[],
  scheduler: Scheduler,
): StartedProcess['ended'] {
  return new Promise((resolve) => {
    // A signal that could not be sent, for example. 'exit' reports the end in any case.
    child.on('error', () => {});
    child.on('exit', (code, signalName) => {
      // What it has started in its group ends with it.
      killGroup(pid);
      const timer = scheduler.setTimer(LAST_OUTPUT_MS, () => child.stdio.forEach((stream) => stream?.destroy()));
      void Promise.all(streams).then(() => {
        scheduler.clearTimer(timer);
        child.stdio.forEach((stream) => stream?.destroy());
        resolve(signalName === null ? { code: code ?? 0 } : { signal: signalName });
      });
    });
  });
}

function signal(child: ChildProcess, pid: number, name: string): void {
  const number = Object.entries(constants.signals).find(([known]) => known === name)?.[1];
  if (number === undefined) throw new ConfigError(`${name} is no signal: SIGTERM, SIGKILL or the like`);
  if (name === 'SIGKILL') killGroup(pid);
  child.kill(number);
}

/** SIGKILL to all processes of a group. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw new ConfigError(`Process group ${pid} cannot be ended: ${messageOf(error)}.`);
  }
}
